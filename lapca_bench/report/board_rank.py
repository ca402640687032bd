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
    observed = {
        place: values
        for place, entry in enumerate(entries)
        if place in per_query and entry.macro(measure, tasks) is not None
        for values in [observations([per_query[place][measure, task.key] for task in tasks])]
    }
    ranks = _ranks(observed)
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
    """Bootstrap intervals; systems that were scored on the same queries are resampled together, once."""
    from lapca_bench.scoring.significance import intervals

    found = {}
    for places in _groups(observed):
        for place, (low, high) in zip(places, intervals(_rows(observed, places)), strict=True):
            found[place] = (float(low), float(high))
    return found


def _ranks(observed: Mapping[int, pd.Series[float]]) -> dict[int, int]:
    """Ranks by position; systems scored on other queries than most are left unranked."""
    from lapca_bench.scoring.significance import tied_rows

    common = max(_groups(observed), key=len, default=[])
    return dict(zip(common, tied_rows(_rows(observed, common)), strict=True)) if common else {}


def _rows(observed: Mapping[int, pd.Series[float]], places: Sequence[int]) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.vstack([observed[place].to_numpy(dtype=np.float64) for place in places])


def _groups(observed: Mapping[int, pd.Series[float]]) -> list[list[int]]:
    """The positions of systems that were scored on the same queries."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, values in observed.items():
        groups.setdefault(tuple(values.index), []).append(place)
    return list(groups.values())
