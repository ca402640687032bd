"""The alignment term: a query nearer to its own passage than to the others of the batch (METHOD item 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lapca_bench.training.batch import Batch, Judged
from lapca_bench.training.losses.functions import info_nce, judged_nce, question_passage_nll
from lapca_bench.training.losses.similarity import SimilaritySettings
from lapca_bench.training.losses.term import MatrixLoss, MatrixTerm, StartVectors

if TYPE_CHECKING:
    from torch import Tensor


class AlignmentSettings(SimilaritySettings):
    """`loss` is alignment·L_align at `temperature`.

    `direction` "both" is the symmetric loss, "passage" ranks passages only (fine-tuning).
    """

    temperature: float = Field(default=0.05, gt=0)
    alignment: float = Field(default=1.0, ge=0)
    direction: Literal["both", "passage"] = "both"


class Alignment(MatrixTerm[AlignmentSettings]):
    """alignment·InfoNCE (both directions), or alignment·NLL of the positive passage (one)."""

    keys = AlignmentSettings

    @classmethod
    def used(cls, settings: AlignmentSettings) -> bool:
        """Where it weighs anything."""
        return settings.alignment > 0

    def over(self, batch: Batch, start: StartVectors) -> MatrixLoss:  # noqa: ARG002
        """The loss of the batch's pairs, hard negatives being seen by every query."""
        pairs = len(batch.queries)
        if batch.judged is not None:
            return self._judged(batch.judged, pairs)

        def loss(matrix: Tensor) -> Tensor:
            queries, passages, negatives = matrix[:pairs], matrix[pairs : 2 * pairs], matrix[2 * pairs :]
            return self._settings.alignment * self._contrast(queries, passages, negatives if len(negatives) else None)

        return loss

    def _judged(self, judged: Judged, queries: int) -> MatrixLoss:
        import torch

        settings, wanted = self._settings, torch.from_numpy(judged)

        def loss(matrix: Tensor) -> Tensor:
            cost = judged_nce(
                matrix[:queries], matrix[queries:], wanted.to(matrix.device), temperature=settings.temperature
            )
            return settings.alignment * cost

        return loss

    def _contrast(self, queries: Tensor, passages: Tensor, negatives: Tensor | None) -> Tensor:
        settings = self._settings
        if settings.direction == "both":
            return info_nce(queries, passages, temperature=settings.temperature, negatives=negatives)
        return question_passage_nll(
            settings.comparable(queries),
            settings.comparable(passages),
            temperature=settings.temperature,
            negatives=None if negatives is None else settings.comparable(negatives),
        )
