"""The distillation term: the scores inside a batch towards those of another system, while fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.functions import score_distillation
from lapca_bench.training.losses.similarity import SimilaritySettings
from lapca_bench.training.losses.term import MatrixLoss, MatrixTerm, StartVectors

if TYPE_CHECKING:
    from torch import Tensor


class DistillationSettings(SimilaritySettings):
    """Where `teacher` names a system, fine-tuning adds distillation·KL(its scores || the model's) over each batch.

    Both are softened by `distillation_temperature`.
    """

    teacher: str | None = None
    distillation: float = Field(default=1.0, ge=0)
    distillation_temperature: float = Field(default=0.05, gt=0)


class Distillation(MatrixTerm[DistillationSettings]):
    """distillation·KL(softmax(teacher's scores / t) || softmax(scores / t))·t², over the batch's queries."""

    keys = DistillationSettings
    family = "distillation"

    @classmethod
    def used(cls, settings: DistillationSettings) -> bool:
        """Where a teacher is named."""
        return settings.teacher is not None

    def over(self, batch: Batch, start: StartVectors) -> MatrixLoss | None:  # noqa: ARG002
        """The loss where the batch holds the teacher's scores, which only batches of questions do."""
        import torch

        if batch.teacher_scores is None:
            return None
        settings, pairs, wanted = self._settings, len(batch.queries), torch.from_numpy(batch.teacher_scores)

        def loss(matrix: Tensor) -> Tensor:
            vectors = settings.comparable(matrix)
            scores, temperature = vectors[:pairs] @ vectors[pairs:].T, settings.distillation_temperature
            return settings.distillation * score_distillation(scores, wanted.to(matrix.device), temperature=temperature)

        return loss
