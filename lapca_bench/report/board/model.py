"""What a leaderboard is made of: tasks (columns), entries (systems) and their scores, apart from any page.

Scores are fractions. A reported entry has printed numbers, a measured one has results with values per query; the two
never merge into one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Literal

from lapca_bench.collections.languages import known_language
from lapca_bench.store.results import StoredResult

Origin = Literal["measured", "reported"]
Average = Literal["macro", "micro"]


@dataclass(frozen=True)
class Task:
    """One column: the questions of one language on one collection. `queries` is None where nobody measured it here."""

    key: str
    label: str
    language: str
    collection: str = ""
    queries: int | None = None

    @property
    def title(self) -> str:
        """The language's name in full."""
        known = known_language(self.language)
        return known.name if known else self.label

    @property
    def script(self) -> str:
        """The script of the questions, "" where it is not known."""
        known = known_language(self.language)
        return known.script_name if known else ""


@dataclass(frozen=True)
class Score:
    """One cell: the mean, its 95 % interval where per-query values are known, and the key of its provenance."""

    mean: float
    provenance: str
    interval: tuple[float, float] | None = None
    digits: int | None = None  # decimals that a source printed, in percent


@dataclass(frozen=True)
class MeasuredCost:
    """What a measured system spent on a board, summed over its results; None where it was not recorded."""

    encode_seconds: float | None = None
    queries_per_second: float | None = None
    index_bytes: float | None = None


@dataclass(frozen=True)
class Standing:
    """An entry on one measure. Means are None unless every task of the board is covered.

    `rank` is shared by systems that no test separates; None for entries that were not tested. `printed` is the mean
    that a source prints, which may be over other languages than the board's.
    """

    macro: float | None = None
    micro: float | None = None
    interval: tuple[float, float] | None = None
    rank: int | None = None
    printed: float | None = None


@dataclass(frozen=True)
class Entry:
    """One row. `scores` by (measure, task key); `results` are the measured results behind it."""

    system: str
    kind: str
    setting: str
    origin: Origin
    scores: Mapping[tuple[str, str], Score]
    standings: Mapping[str, Standing] = field(default_factory=dict)
    results: Sequence[StoredResult] = ()
    cost: MeasuredCost = MeasuredCost()
    card: str = ""
    note: str = ""

    def covered(self, measure: str, tasks: Sequence[Task]) -> int:
        """How many tasks it has a score for."""
        return sum((measure, task.key) in self.scores for task in tasks)

    def macro(self, measure: str, tasks: Sequence[Task]) -> float | None:
        """Unweighted mean over the tasks, None where one is missing."""
        values = [self.scores[measure, task.key].mean for task in tasks if (measure, task.key) in self.scores]
        return fsum(values) / len(values) if values and len(values) == len(tasks) else None

    def micro(self, measure: str, tasks: Sequence[Task]) -> float | None:
        """Mean over the queries of all tasks, None where a task or its number of queries is missing."""
        if self.macro(measure, tasks) is None or any(task.queries is None for task in tasks):
            return None
        counts = [task.queries or 0 for task in tasks]
        weighted = [self.scores[measure, task.key].mean * n for task, n in zip(tasks, counts, strict=True)]
        return fsum(weighted) / sum(counts) if sum(counts) else None


@dataclass(frozen=True)
class Citation:
    """Where reported numbers come from: a title, the place in it, and an address ("" where there is none)."""

    title: str
    place: str
    url: str


@dataclass(frozen=True)
class Board:
    """One leaderboard: entries over the same tasks, split and protocol; `citations` by provenance key."""

    name: str
    title: str
    collection: str
    protocol: str
    split: str
    measures: Sequence[str]
    tasks: Sequence[Task]
    entries: Sequence[Entry]
    notes: Sequence[str]
    citations: Mapping[str, Citation] = field(default_factory=dict)

    def count(self, origin: Origin) -> int:
        """How many rows are measured, or reported."""
        return sum(entry.origin == origin for entry in self.entries)
