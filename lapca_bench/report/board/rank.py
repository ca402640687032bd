"""Standing of systems on a board: means, intervals, and ranks shared by systems that no test separates.

Only entries that cover every task are ranked, so that no rank runs over different task sets. Two systems are compared
on the same queries by a paired t-test, Holm-corrected over all pairs of the board; the translations of a query count
as one observation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lapca_bench.report.board.model import Entry, Standing, Task
from lapca_bench.scoring.observations import summed
from lapca_bench.scoring.ranks import shared_ranks
from lapca_bench.scoring.significance import intervals

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

PerQuery = Mapping[tuple[str, str], "pd.Series[float]"]  # (measure, task key) → values by observation


def stand(
    entries: Sequence[Entry], per_query: Mapping[int, PerQuery], measure: str, tasks: Sequence[Task]
) -> list[Entry]:
    """The entries with their standing on one measure; `per_query` holds the values of measured entries by position."""
    complete = {
        place: [per_query[place][measure, task.key] for task in tasks]
        for place, entry in enumerate(entries)
        if place in per_query and entry.macro(measure, tasks) is not None
    }
    # Systems that were scored on the same queries are resampled together, once; those on other queries than most are
    # left unranked.
    groups = [(places, observations([complete[place] for place in places])) for places in _groups(complete)]
    bounds = {
        place: (float(low), float(high))
        for places, values in groups
        for place, (low, high) in zip(places, intervals(values), strict=True)
    }
    common, values = max(groups, key=lambda group: len(group[0]), default=([], None))
    ranks = {} if values is None else dict(zip(common, shared_ranks(values), strict=True))
    made = []
    for place, entry in enumerate(entries):
        known = entry.standings.get(measure, Standing())
        standing = replace(
            known,
            macro=entry.macro(measure, tasks),
            micro=entry.micro(measure, tasks),
            interval=bounds.get(place),
            rank=ranks.get(place),
        )
        made.append(replace(entry, standings={**entry.standings, measure: standing}))
    return made


def observations(systems: Sequence[Sequence[pd.Series[float]]]) -> npt.NDArray[np.float64]:
    """(systems, observations) values whose plain mean is a system's macro mean over its tasks.

    Each system has one series per task, by the names of observations, and all systems the same names in each.
    """
    import numpy as np

    tasks = systems[0]
    names = [name for task in tasks for name in task.index]
    weights = np.concatenate([np.full(len(task), 1.0 / (len(tasks) * len(task))) for task in tasks])
    rows = [np.concatenate([task.to_numpy(dtype=np.float64) for task in parts]) for parts in systems]
    return summed(names, weights, np.vstack(rows))[1]


def by_queries(indices: Iterable[pd.Index[str]]) -> list[int]:
    """For each index the number of its set of queries: equal indices have equal numbers, counted from 0."""
    known: list[pd.Index[str]] = []
    numbers = []
    for index in indices:
        number = next((n for n, one in enumerate(known) if one.is_(index) or one.equals(index)), len(known))
        if number == len(known):
            known.append(index)
        numbers.append(number)
    return numbers


def _groups(complete: Mapping[int, Sequence[pd.Series[float]]]) -> list[list[int]]:
    """The positions of systems that were scored on the same queries."""
    tasks = zip(*complete.values(), strict=True)
    numbers = zip(*(by_queries(series.index for series in task) for task in tasks), strict=True)
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, key in zip(complete, numbers, strict=True):
        groups.setdefault(key, []).append(place)
    return list(groups.values())
