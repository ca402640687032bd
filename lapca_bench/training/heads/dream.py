"""DREAM: split a frozen sentence vector into a meaning part and a language part; retrieve by meaning alone.

Source: Tiyajamorn et al. 2021 and the losses of its released code. Trains in minutes on a CPU on top of any encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SplitVectors:
    """The frozen vector e of a batch of sentences, its meaning part m and its language part l, each (n, d)."""

    whole: Tensor
    meaning: Tensor
    language: Tensor


@dataclass(frozen=True)
class DreamBatch:
    """Aligned source and target sentences, with other sentences to tell them from.

    `source_other` and `target_other` are random sentences of the source's and the target's language; row i belongs to
    pair i.
    """

    source: SplitVectors
    target: SplitVectors
    source_other: SplitVectors
    target_other: SplitVectors


def meaning_loss(batch: DreamBatch) -> Tensor:
    """Cosine embedding loss: (m_s, m_t) together, (m_s, m_t') and (m_t, m_s') apart.

    mean of 1 − cos for the pair and of max(0, cos) for each of the random sentences.
    """
    from torch.nn.functional import cosine_similarity, relu

    together = 1 - cosine_similarity(batch.source.meaning, batch.target.meaning)
    apart = relu(cosine_similarity(batch.source.meaning, batch.target_other.meaning))
    apart_back = relu(cosine_similarity(batch.target.meaning, batch.source_other.meaning))
    return together.mean() + apart.mean() + apart_back.mean()


def reconstruction_loss(batch: DreamBatch) -> Tensor:
    """Mean squared error of m + l against e, on both sides: nothing of the vector may get lost in the split."""
    from torch.nn.functional import mse_loss

    return sum(
        (mse_loss(side.meaning + side.language, side.whole) for side in (batch.source, batch.target)),
        start=batch.source.whole.new_zeros(()),
    )


def language_loss(batch: DreamBatch) -> Tensor:
    """Mean of 1 − cos between the language parts of two sentences of one language, on both sides."""
    from torch.nn.functional import cosine_similarity

    source = 1 - cosine_similarity(batch.source.language, batch.source_other.language)
    target = 1 - cosine_similarity(batch.target.language, batch.target_other.language)
    return source.mean() + target.mean()


def identification_loss(logits: Tensor, languages: Tensor) -> Tensor:
    """Cross-entropy of the language classifier on l: `logits` (n, languages), `languages` (n,) class numbers."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, languages)
