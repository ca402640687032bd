"""A term: one weighted loss of the objective, whole in one file: its settings, what it needs, its loss.

To add one: a file here with its settings and a class of one of the kinds below (or of `reading.ReadingTerm`), and both
names in `objective.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from lapca_bench.toml_model import Strict
from lapca_bench.training.batch import Batch
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower

if TYPE_CHECKING:
    from torch import Tensor

# A term takes any settings that hold its own: a recipe's whole objective, or these alone.
Settings_contra = TypeVar("Settings_contra", bound=Strict, contravariant=True)

MatrixLoss = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Needs:
    """What a training must have ready besides the trained encoder and pairs of texts.

    `language_model` is a head that predicts hidden words, `grader` one that grades two texts in one sequence,
    `start_model` the frozen start model, `pivot_language` the language in which each view's text is wanted too.
    """

    language_model: bool = False
    grader: bool = False
    start_model: bool = False
    pivot_language: str | None = None

    def __or__(self, other: Needs) -> Needs:
        """What both need."""
        return Needs(
            self.language_model or other.language_model,
            self.grader or other.grader,
            self.start_model or other.start_model,
            self.pivot_language or other.pivot_language,
        )


class Term(ABC, Generic[Settings_contra]):
    """A loss and its weight, of a recipe that uses it.

    `keys` are its settings in the `[objective]` table. Those of a `family` count in a checkpoint's digest where a term
    of the family is used, so that a new family leaves old checkpoints good; terms without one always count.
    """

    keys: ClassVar[type[Strict]]
    family: ClassVar[str | None] = None
    compares_vectors: ClassVar[bool] = False

    def __init__(self, settings: Settings_contra) -> None:
        self._settings = settings

    @classmethod
    @abstractmethod
    def used(cls, settings: Settings_contra) -> bool:
        """Whether a recipe with these settings has this term."""

    @property
    def needs(self) -> Needs:
        """What must be ready; nothing by default."""
        return Needs()


class StartVectors(Protocol):
    """Vectors (texts, d) of the frozen start model, not normalised, without gradient."""

    def of_rows(self, chunk: Rows) -> Tensor:
        """Of the texts of one of this process's chunks."""

    def of_texts(self, queries: Sequence[str], passages: Sequence[str]) -> Tensor:
        """Of these queries, then of these passages; the processes share the work, and each gets all."""


class MatrixTerm(Term[Settings_contra]):
    """A loss over the joint matrix (n, d) of a batch's vectors: its queries, then its passages, then hard negatives."""

    compares_vectors = True

    @abstractmethod
    def over(self, batch: Batch, start: StartVectors) -> MatrixLoss | None:
        """The weighted loss as a function of the matrix; None where this batch holds nothing to take it of."""


@dataclass(frozen=True)
class JointBatch:
    """The size of the batch that all chunks of all processes make up."""

    texts: int
    hidden_tokens: int


class ChunkTerm(Term[Settings_contra]):
    """A loss that each text pays for itself, on the way to its vector."""

    @abstractmethod
    def loss(
        self, chunk: Rows, vectors: Tensor, hidden: Tensor, whole: JointBatch, tower: TrainedTower, start: StartVectors
    ) -> Tensor | None:
        """This chunk's weighted share, such that all chunks add up to the batch's mean; None where it pays nothing.

        `vectors` (texts, d) are pooled from `hidden` (texts, tokens, d).
        """
