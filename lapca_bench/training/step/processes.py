"""The processes that train together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Chunk = TypeVar("Chunk")


@dataclass(frozen=True)
class Processes:
    """This process among those that train together, and the sum of a tensor over all of them."""

    rank: int = 0
    count: int = 1
    add_up: Callable[[Tensor], Tensor] = lambda tensor: tensor

    def own(self, chunks: list[Chunk]) -> list[Chunk]:
        """This process's share of the joint batch's chunks."""
        return chunks[self.rank :: self.count]
