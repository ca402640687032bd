"""Terms over sequences made of a batch's texts, which are read for themselves, without the vectors of views.

Each sequence pays its own loss, so chunks and processes add up without a joint matrix.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lapca_bench.encoders.weights.tokenizer import Tokenizer
from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.term import Settings_contra, Term
from lapca_bench.training.model.language_modelling import Int64, MaskVocabulary, PairInput
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import Reads

if TYPE_CHECKING:
    from torch import Tensor

RowsLoss = Callable[[Rows, "Tensor"], "Tensor"]  # of a chunk's rows and their token vectors (texts, tokens, d)


class BatchTokens:
    """Token ids of a batch's texts, without prompts, which belong to one side alone.

    `mask` is the share of tokens that views hide.
    """

    def __init__(
        self,
        batch: Batch,
        tokenizer: Tokenizer,
        *,
        query_length: int,
        passage_length: int,
        mask: float = 0.0,
        vocabulary: MaskVocabulary | None = None,
    ) -> None:
        self.batch, self.mask = batch, mask
        self._tokenizer, self._vocabulary = tokenizer, vocabulary
        self._query_length, self._passage_length = query_length, passage_length

    @cached_property
    def queries(self) -> list[Int64]:
        """Of the query views."""
        return self._ids(self.batch.queries, self._query_length)

    @cached_property
    def passages(self) -> list[Int64]:
        """Of the passage views."""
        return self._ids(self.batch.passages, self._passage_length)

    @cached_property
    def negatives(self) -> list[Int64]:
        """Of the hard negatives."""
        return self._ids(self.batch.negatives, self._passage_length)

    @property
    def vocabulary(self) -> MaskVocabulary:
        """What hiding tokens needs; there where a term said that it needs a language model."""
        if self._vocabulary is None:
            raise ValueError("no term said that it predicts hidden words")
        return self._vocabulary

    def _ids(self, texts: Sequence[str], length: int) -> list[Int64]:
        return [ids.astype(np.int64) for ids in self._tokenizer.encode(list(texts), length).ids]


class ReadingTerm(Term[Settings_contra]):
    """A loss over sequences of one or two texts; `reads` says which, and numbers their random numbers."""

    reads: ClassVar[Reads]

    @abstractmethod
    def sequences(self, tokens: BatchTokens, random: Callable[[int], np.random.Generator]) -> list[PairInput]:
        """All sequences of the joint batch; `random(n)` are the random numbers of the n-th."""

    @abstractmethod
    def loss_over(self, made: Sequence[PairInput], tower: TrainedTower) -> RowsLoss:
        """The weighted share of a chunk of these sequences, such that all chunks add up to the batch's mean."""

    def pays(self, rows: Rows) -> bool:  # noqa: ARG002
        """Whether a chunk has any share, and must be read."""
        return True
