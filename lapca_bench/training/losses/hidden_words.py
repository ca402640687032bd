"""Terms on hidden words: of one text (MLM), of a text and its translation (TLM), of a query by its passage (QLM)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.losses.reading import BatchTokens, ReadingTerm, RowsLoss
from lapca_bench.training.losses.term import ChunkTerm, JointBatch, Needs, Settings_contra, StartVectors
from lapca_bench.training.model.language_modelling import (
    IGNORED,
    PairInput,
    hide_tokens,
    query_before_document,
    translation_pair,
)
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import Reads

if TYPE_CHECKING:
    from torch import Tensor


class _HiddenWords(ReadingTerm[Settings_contra]):
    """Weight · mean over all hidden tokens of −log p(token)."""

    @property
    @abstractmethod
    def _weight(self) -> float: ...

    @property
    def needs(self) -> Needs:
        """A head that predicts words."""
        return Needs(language_model=True)

    def pays(self, rows: Rows) -> bool:
        """Where a token is hidden."""
        return bool((rows.labels != IGNORED).any())

    def loss_over(self, made: Sequence[PairInput], tower: TrainedTower) -> RowsLoss:
        """By the chunk's hidden tokens among all."""
        total = sum(int((one.labels != IGNORED).sum()) for one in made)

        def loss(rows: Rows, hidden: Tensor) -> Tensor:
            return self._weight * tower.masked_loss(hidden, rows, total)

        return loss


class MaskedWordsSettings(Strict):
    """`mlm` weighs the loss over words hidden in one text; `views.mask` says how many are."""

    mlm: float = Field(default=1.0, ge=0)


class MaskedWords(_HiddenWords[MaskedWordsSettings], ChunkTerm[MaskedWordsSettings]):
    """MLM (Devlin et al. 2019): over the words hidden in query views, on their way to vectors.

    Where nothing compares vectors, the texts of both sides are read for it (XLM's monolingual stream).
    """

    keys = MaskedWordsSettings
    reads = Reads.ALONE

    @classmethod
    def used(cls, settings: MaskedWordsSettings) -> bool:
        """Where it weighs anything."""
        return settings.mlm > 0

    @property
    def _weight(self) -> float:
        return self._settings.mlm

    def loss(
        self,
        chunk: Rows,
        vectors: Tensor,  # noqa: ARG002
        hidden: Tensor,
        whole: JointBatch,
        tower: TrainedTower,
        start: StartVectors,  # noqa: ARG002
    ) -> Tensor | None:
        """By the chunk's hidden tokens among all."""
        return self._weight * tower.masked_loss(hidden, chunk, whole.hidden_tokens) if self.pays(chunk) else None

    def sequences(self, tokens: BatchTokens, random: Callable[[int], np.random.Generator]) -> list[PairInput]:
        """Queries, then passages, each alone."""
        made = []
        for number, ids in enumerate([*tokens.queries, *tokens.passages]):
            hidden, labels = hide_tokens(ids, tokens.vocabulary, tokens.mask, random(number))
            made.append(PairInput(hidden, np.arange(len(ids), dtype=np.int64), labels))
        return made


class TranslationSettings(Strict):
    """`tlm` (XLM) weighs the loss over words hidden in both views in one sequence, a share `tlm_mask` of them."""

    tlm: float = Field(default=0.0, ge=0)
    tlm_mask: float = Field(default=0.15, gt=0, lt=1)


class Translation(_HiddenWords[TranslationSettings]):
    """TLM (Conneau & Lample 2019): query and passage view of each pair in one sequence."""

    keys = TranslationSettings
    family = "reading"
    reads = Reads.TRANSLATION

    @classmethod
    def used(cls, settings: TranslationSettings) -> bool:
        """Where it weighs anything."""
        return settings.tlm > 0

    @property
    def _weight(self) -> float:
        return self._settings.tlm

    def sequences(self, tokens: BatchTokens, random: Callable[[int], np.random.Generator]) -> list[PairInput]:
        """One of each pair."""
        return [
            translation_pair(query, passage, tokens.vocabulary, self._settings.tlm_mask, random(number))
            for number, (query, passage) in enumerate(zip(tokens.queries, tokens.passages, strict=True))
        ]


class QueryWordsSettings(Strict):
    """`qlm` (Yu et al. 2021) weighs the loss over words hidden in a query before its passage, `qlm_mask` of them."""

    qlm: float = Field(default=0.0, ge=0)
    qlm_mask: float = Field(default=0.3, gt=0, lt=1)


class QueryWords(_HiddenWords[QueryWordsSettings]):
    """QLM (Yu, Fei, Li 2021, section 3.1): the query's words are to be found in the passage."""

    keys = QueryWordsSettings
    family = "reading"
    reads = Reads.QUERY

    @classmethod
    def used(cls, settings: QueryWordsSettings) -> bool:
        """Where it weighs anything."""
        return settings.qlm > 0

    @property
    def _weight(self) -> float:
        return self._settings.qlm

    def sequences(self, tokens: BatchTokens, random: Callable[[int], np.random.Generator]) -> list[PairInput]:
        """One of each pair, without the passage's first token."""
        return [
            query_before_document(query, passage[1:], tokens.vocabulary, self._settings.qlm_mask, random(number))
            for number, (query, passage) in enumerate(zip(tokens.queries, tokens.passages, strict=True))
        ]
