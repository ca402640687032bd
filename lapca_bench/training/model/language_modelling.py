"""Masked language modelling and its cross-lingual relatives: which tokens are hidden, and the loss over them.

MLM hides tokens of one text, TLM of a translation pair put side by side, QLM of a query that stands before its
document. All three share `hide_tokens` and `hidden_token_loss`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Int64 = npt.NDArray[np.int64]

IGNORED = -100  # the label that torch's cross-entropy leaves out


@dataclass(frozen=True)
class MaskVocabulary:
    """What masking must know of a tokenizer: the mask token, the size of the vocabulary, and ids never masked."""

    mask: int
    size: int
    special: frozenset[int]


def hide_tokens(
    ids: Int64, vocabulary: MaskVocabulary, share: float, generator: np.random.Generator
) -> tuple[Int64, Int64]:
    """Hide `share` of the tokens: 80 % become the mask token, 10 % a random token, 10 % stay as they are.

    `ids` is any array of token ids (padding is a special id). Returns (ids with tokens hidden, labels), labels being
    the original id where hidden and `IGNORED` elsewhere. Source: Devlin et al. 2019 (BERT), section 3.1.
    """
    open_to_masking = ~np.isin(ids, list(vocabulary.special))
    chosen = open_to_masking & (generator.random(ids.shape) < share)
    kind = generator.random(ids.shape)
    hidden = np.where(chosen & (kind < 0.8), vocabulary.mask, ids)
    random_ids = generator.integers(0, vocabulary.size, ids.shape)
    hidden = np.where(chosen & (kind >= 0.8) & (kind < 0.9), random_ids, hidden)
    return hidden.astype(np.int64), np.where(chosen, ids, IGNORED).astype(np.int64)


def hidden_token_loss(logits: Tensor, labels: Tensor, *, total: int | None = None) -> Tensor:
    """−(1/total) Σ log softmax(logits_t)[label_t] over the hidden tokens t.

    `logits` (tokens, vocabulary) and `labels` (tokens,) hold hidden tokens only. `total` is the number of hidden
    tokens of the whole batch where this is one chunk of it, so that chunks add up to the batch's mean; 0 hidden
    tokens cost 0.
    """
    from torch.nn import functional

    count = len(labels) if total is None else total
    summed = functional.cross_entropy(logits, labels, reduction="sum")
    return summed / max(count, 1)


@dataclass(frozen=True)
class PairInput:
    """One or two texts in one sequence; `positions` count each token's place from 0.

    `labels` are as `hide_tokens` says; `grade` is what is due for the pair, where it is graded.
    """

    ids: Int64
    positions: Int64
    labels: Int64
    grade: float = 0.0


def translation_pair(
    source: Sequence[int] | Int64,
    target: Sequence[int] | Int64,
    vocabulary: MaskVocabulary,
    share: float,
    generator: np.random.Generator,
) -> PairInput:
    """TLM: a sentence and its translation, positions restarting at 0, hidden on both sides.

    A hidden word can be told from its translation, which draws both languages together. XLM's language embeddings are
    left out, as in XLM-R and its descendants, which have none.
    Source: Conneau & Lample 2019 (XLM), section 3.3.
    """
    ids = np.concatenate([source, target]).astype(np.int64)
    hidden, labels = hide_tokens(ids, vocabulary, share, generator)
    positions = np.concatenate([np.arange(len(source)), np.arange(len(target))]).astype(np.int64)
    return PairInput(hidden, positions, labels)


def query_before_document(
    query: Sequence[int] | Int64,
    document: Sequence[int] | Int64,
    vocabulary: MaskVocabulary,
    share: float,
    generator: np.random.Generator,
) -> PairInput:
    """QLM: `[query] [document in another language]`, with `share` (0.3 in the paper) of the *query's* tokens hidden.

    The model must find the query's words in the document. Source: Yu, Fei, Li 2021, section 3.1.
    """
    hidden, query_labels = hide_tokens(np.asarray(query, dtype=np.int64), vocabulary, share, generator)
    ids = np.concatenate([hidden, document]).astype(np.int64)
    labels = np.concatenate([query_labels, np.full(len(document), IGNORED)]).astype(np.int64)
    return PairInput(ids, np.arange(len(ids), dtype=np.int64), labels)
