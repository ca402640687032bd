"""The relevance term: the grade of a query and a passage that are read in one sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.losses.functions import relevance_regression
from lapca_bench.training.losses.reading import BatchTokens, ReadingTerm, RowsLoss
from lapca_bench.training.losses.term import Needs
from lapca_bench.training.model.language_modelling import IGNORED, Int64, PairInput
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import Reads

if TYPE_CHECKING:
    from torch import Tensor


class RelevanceSettings(Strict):
    """`relevance` (Yu et al. 2021) weighs the loss over the grade of a query and a passage in one sequence."""

    relevance: float = Field(default=0.0, ge=0)


class Relevance(ReadingTerm[RelevanceSettings]):
    """relevance·mean (grade − due)², 1 being due for a query's own passage (Yu, Fei, Li 2021, section 3.2)."""

    keys = RelevanceSettings
    family = "reading"
    reads = Reads.GRADED

    @classmethod
    def used(cls, settings: RelevanceSettings) -> bool:
        """Where it weighs anything."""
        return settings.relevance > 0

    @property
    def needs(self) -> Needs:
        """A head that grades."""
        return Needs(grader=True)

    def sequences(self, tokens: BatchTokens, random: Callable[[int], np.random.Generator]) -> list[PairInput]:  # noqa: ARG002
        """Every query before its passage (1), the passage of the next pair (0) and other blocks of its page (0)."""
        queries, passages, batch = tokens.queries, tokens.passages, tokens.batch
        following = [(row, (row + 1) % len(queries)) for row in range(len(queries))]
        own = [_graded(query, passage, 1.0) for query, passage in zip(queries, passages, strict=True)]
        others = [
            _graded(queries[row], passages[n], 0.0) for row, n in following if batch.passages[n] != batch.passages[row]
        ]
        same_page = [_graded(queries[row], ids, 0.0) for row, ids in zip(batch.owners, tokens.negatives, strict=False)]
        return [*own, *others, *same_page]

    def loss_over(self, made: Sequence[PairInput], tower: TrainedTower) -> RowsLoss:
        """By the chunk's sequences among all."""
        import torch

        grades = np.array([one.grade for one in made], dtype=np.float32)

        def loss(rows: Rows, hidden: Tensor) -> Tensor:
            due = torch.from_numpy(grades[rows.places]).to(hidden.device)
            share = self._settings.relevance * len(due) / len(made)
            return share * relevance_regression(tower.grades(hidden), due)

        return loss


def _graded(query: Int64, passage: Int64, grade: float) -> PairInput:
    ids = np.concatenate([query, passage[1:]])
    return PairInput(ids, np.arange(len(ids), dtype=np.int64), np.full(len(ids), IGNORED), grade)
