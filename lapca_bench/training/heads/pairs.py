"""What methods that train a head share: settings, aligned rows to draw from, and the head itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.run import Int64
from lapca_bench.training.heads.frozen import FrozenVectors

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class HeadTrainingSettings:
    """`rate` and `batch` are DREAM's; `temperature` and `momentum` are used by the contrastive methods alone.

    `adversary` is the strength of the reversed gradient, `adversary_rate` the adversary's own rate of learning.
    """

    epochs: int = 200
    batch: int = 512
    rate: float = 1e-4
    temperature: float = 0.05
    momentum: float = 0.99
    queue: int = 2048
    adversary: float = 0.1
    adversary_rate: float = 1e-2
    probe_language: str = "de"
    seed: int = 1


class Pairs:
    """Rows of aligned vectors to draw from: of each a translation, and another text in its language."""

    def __init__(self, frozen: FrozenVectors, rows: Int64, seed: int) -> None:
        self.rows = rows
        self._random = np.random.default_rng(seed)
        self._language = frozen.language
        self._mates = _rows_by(frozen.groups, rows)
        self._groups = frozen.groups
        self._of_language = _rows_by(frozen.language, rows)

    def epoch(self, batch: int) -> list[Int64]:
        """The rows in a new order, in batches of at least two."""
        order = self._random.permutation(self.rows)
        return [part for start in range(0, len(order), batch) if len(part := order[start : start + batch]) > 1]

    def translations(self, rows: Int64) -> Int64:
        """For each row one of the others of its group."""
        return np.array([self._other(self._mates[int(self._groups[row])], row) for row in rows], dtype=np.int64)

    def others(self, rows: Int64) -> Int64:
        """For each row another text of its language."""
        return np.array([self._other(self._of_language[int(self._language[row])], row) for row in rows], dtype=np.int64)

    def _other(self, among: Int64, row: int) -> int:
        place = int(self._random.integers(len(among) - 1)) if len(among) > 1 else 0
        found = int(among[place])
        return int(among[-1]) if found == row else found


def _rows_by(keys: Int64, rows: Int64) -> dict[int, Int64]:
    return {int(key): rows[keys[rows] == key] for key in np.unique(keys[rows])}


class Context:
    """What a method's loss is computed from: vectors as a tensor, pairs, settings, and the size of things."""

    def __init__(self, frozen: FrozenVectors, pairs: Pairs, settings: HeadTrainingSettings) -> None:
        import torch

        self.vectors = torch.from_numpy(frozen.vectors)
        self.language = torch.from_numpy(frozen.language)
        self.dimension = int(frozen.vectors.shape[1])
        self.languages = len(frozen.names)
        self.pairs = pairs
        self.settings = settings


def linear(dimension: int) -> nn.Module:
    """`x -> (x - offset) @ weight`, at first the identity."""
    import torch

    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.eye(dimension))
            self.offset = torch.nn.Parameter(torch.zeros(dimension))

        def forward(self, vectors: Tensor) -> Tensor:
            moved: Tensor = (vectors - self.offset) @ self.weight
            return moved

    return Linear()
