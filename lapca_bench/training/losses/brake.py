"""The brake: the vector of every text near the start model's, so that what it knew is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.losses.functions import vector_distillation
from lapca_bench.training.losses.term import ChunkTerm, JointBatch, Needs, StartVectors
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower

if TYPE_CHECKING:
    from torch import Tensor


class BrakeSettings(Strict):
    """`brake` holds vectors near the start model's."""

    brake: float = Field(default=0.0, ge=0)


class Brake(ChunkTerm[BrakeSettings]):
    """brake·mean(1 − cos(vector, the start model's vector of the same tokens))."""

    keys = BrakeSettings
    compares_vectors = True

    @classmethod
    def used(cls, settings: BrakeSettings) -> bool:
        """Where it weighs anything."""
        return settings.brake > 0

    @property
    def needs(self) -> Needs:
        """The start model."""
        return Needs(start_model=True)

    def loss(
        self,
        chunk: Rows,
        vectors: Tensor,
        hidden: Tensor,  # noqa: ARG002
        whole: JointBatch,
        tower: TrainedTower,  # noqa: ARG002
        start: StartVectors,
    ) -> Tensor:
        """The chunk's share by its number of texts."""
        share = len(chunk.places) / whole.texts
        return self._settings.brake * share * vector_distillation(vectors, start.of_rows(chunk))
