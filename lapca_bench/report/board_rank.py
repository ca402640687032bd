"""Standing of systems on a board: means, intervals, and ranks shared by systems that no test separates.

Only entries that cover every task are ranked, so that no rank runs over different task sets. Two systems are compared
on the same queries by a paired t-test, Holm-corrected over all pairs of the board; queries that share an id across
languages are translations of each other and count as one observation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lapca_bench.report.board_model import Entry, Standing, Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

PerQuery = Mapping[tuple[str, str], "pd.Series[float]"]  # (measure, task key) → values by query id


def stand(
    entries: Sequence[Entry], per_query: Mapping[int, PerQuery], measure: str, tasks: Sequence[Task]
) -> list[Entry]:
    """The entries with their standing on one measure; `per_query` holds the values of measured entries by position."""
    from lapca_bench.scoring.significance import intervals, tied_rows

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
    ranks = {} if values is None else dict(zip(common, tied_rows(values), strict=True))
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
    """(systems, query ids) values whose plain mean over ids is a system's macro mean over its tasks.

    Each system has one series per task, and all systems the same query ids in each.
    """
    import numpy as np
    import pandas as pd

    tasks = systems[0]
    codes, ids = pd.factorize(np.concatenate([task.index.to_numpy(dtype=object) for task in tasks]), sort=True)
    weights = np.concatenate([np.full(len(task), 1.0 / (len(tasks) * len(task))) for task in tasks])
    rows = [np.concatenate([task.to_numpy(dtype=np.float64) for task in parts]) for parts in systems]
    added = [np.bincount(codes, weights * row, minlength=len(ids)) for row in rows]
    return np.asarray(np.vstack(added) * len(ids), dtype=np.float64)


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
