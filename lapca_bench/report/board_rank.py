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
    import pandas as pd

PerQuery = Mapping[tuple[str, str], "pd.Series[float]"]  # (measure, task key) → values by query id


def stand(
    entries: Sequence[Entry], per_query: Mapping[int, PerQuery], measure: str, tasks: Sequence[Task]
) -> list[Entry]:
    """The entries with their standing on one measure; `per_query` holds the values of measured entries by position."""
    observed = {
        place: values
        for place, entry in enumerate(entries)
        if place in per_query and entry.macro(measure, tasks) is not None
        for values in [observations([per_query[place][measure, task.key] for task in tasks])]
    }
    ranks = _ranks(entries, observed, measure, tasks)
    bounds = _bounds(observed)
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


def observations(parts: Iterable[pd.Series[float]]) -> pd.Series[float]:
    """Values, one per query id, whose plain mean is the macro mean of the parts."""
    import pandas as pd

    tasks = list(parts)
    weighted = pd.concat([part / (len(tasks) * len(part)) for part in tasks])
    added = weighted.groupby(level=0, sort=True).sum()
    return added * len(added)


def _bounds(observed: Mapping[int, pd.Series[float]]) -> dict[int, tuple[float, float]]:
    import numpy as np

    from lapca_bench.scoring.significance import intervals

    found = {}
    for place, values in observed.items():
        low, high = intervals(np.asarray(values, dtype=np.float64)[None, :])[0]
        found[place] = (float(low), float(high))
    return found


def _ranks(
    entries: Sequence[Entry], observed: Mapping[int, pd.Series[float]], measure: str, tasks: Sequence[Task]
) -> dict[int, int]:
    """Ranks by position; systems scored on other queries than most are left unranked."""
    import pandas as pd

    from lapca_bench.scoring.significance import Settings, compare, tied_groups

    common = _largest_group(observed)
    if not common:
        return {}
    if len(common) == 1:
        return {common[0]: 1}
    frames = {
        str(place): pd.DataFrame({"query": observed[place].index, "measure": "RR", "value": observed[place].to_numpy()})
        for place in common
    }
    # Of each comparison only the t-test is read; boards reach 10^5 queries, where permutations take hours.
    comparisons = compare(frames, "RR", Settings(permutations=1, bootstrap=1))
    means = {str(place): entries[place].macro(measure, tasks) or 0.0 for place in common}
    return {int(place): rank for place, rank in tied_groups(means, comparisons, "t").items()}


def _largest_group(observed: Mapping[int, pd.Series[float]]) -> list[int]:
    """The positions of the largest set of systems that were scored on the same queries."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, values in observed.items():
        groups.setdefault(tuple(values.index), []).append(place)
    return max(groups.values(), key=len, default=[])
