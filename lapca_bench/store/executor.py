"""Where shards of work run. `LocalExecutor` runs them here, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Shard = TypeVar("Shard")
Output = TypeVar("Output")


class Executor(Protocol):
    """Maps a task over shards; outputs come back in the order of the shards.

    Tasks are picklable values (a frozen dataclass with `__call__`), so that a cluster can carry them elsewhere.
    """

    @property
    def workers(self) -> int:
        """Into how many parts work should be cut that can be cut anywhere."""

    def map(self, task: Callable[[Shard], Output], shards: Iterable[Shard]) -> Iterator[Output]:
        """Run `task` on every shard; an exception of a task is raised at its shard's place."""


class LocalExecutor:
    """Runs every shard in this process."""

    workers = 1

    def map(self, task: Callable[[Shard], Output], shards: Iterable[Shard]) -> Iterator[Output]:
        """Lazily, in order."""
        return map(task, shards)
