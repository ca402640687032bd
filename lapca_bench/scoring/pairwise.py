"""Every pair of systems on the same observations: difference, interval, effect and corrected p-value.

The effect is given as the mean difference with a bootstrap interval and as d_z, the mean difference over the standard
deviation of the differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.errors import InputError, UsageError
from lapca_bench.scoring.measures import parse_mean
from lapca_bench.scoring.observations import Float64, observations_of, summed
from lapca_bench.scoring.significance import Settings, Test, deviation, holm, intervals, p_values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """System `first` against `second` on the same queries; `difference` is first minus second.

    `observations` are the queries, translations of one taken as one. `p_uncorrected` is two-sided, by `test`; `p_holm`
    is corrected over all comparisons made together. `low` and `high` bound the mean difference at 1 - alpha. `effect`
    is d_z (0 where all differences are 0, infinite where they are equal and not 0).
    """

    measure: str
    first: str
    second: str
    queries: int
    observations: int
    difference: float
    low: float
    high: float
    effect: float
    test: Test
    p_uncorrected: float
    p_holm: float
    alpha: float

    @property
    def significant(self) -> bool:
        """Whether the corrected p-value is below alpha."""
        return self.p_holm < self.alpha


def compare(
    frames: Mapping[str, pd.DataFrame],
    measures: str | Sequence[str],
    settings: Settings | None = None,
    *,
    translations: str = "",
) -> list[Comparison]:
    """Every pair of systems on every measure, pairs in the order of `frames` (`{system: Scores.frame}`).

    Corrected together, for they are shown together. `translations` is how the query ids name what translations of one
    query share (`Policy.translations`); "": every query is one observation. Raises `UsageError` for fewer than two
    systems and `InputError` where two systems were not scored on the same queries: a paired test on the queries they
    share would answer another question than the table asks.
    """
    settings = settings or Settings()
    if len(frames) < 2:
        raise UsageError("a comparison needs at least two systems")
    names = list(dict.fromkeys(str(parse_mean(one)) for one in ([measures] if isinstance(measures, str) else measures)))
    pairs = [pair for name in names for pair in _compare(frames, name, settings, translations)]
    adjusted = holm([pair.p_uncorrected for pair in pairs])
    return [replace(pair, p_holm=float(p)) for pair, p in zip(pairs, adjusted, strict=True)]


def _compare(
    frames: Mapping[str, pd.DataFrame], measure: str, settings: Settings, translations: str
) -> Iterator[Comparison]:
    """The pairs of one measure, not corrected yet."""
    systems = list(frames)
    queries, of_query = _matrix(frames, measure)
    share = np.full(len(queries), 1.0 / len(queries))
    _, matrix = summed(observations_of(queries, translations), share, of_query)
    pairs = list(combinations(range(len(systems)), 2))
    first, second = (np.asarray(side) for side in zip(*pairs, strict=True))
    differences = matrix[first] - matrix[second]
    p = p_values(differences, settings)
    bounds = intervals(differences, level=1.0 - settings.alpha, samples=settings.bootstrap, seed=settings.seed)
    means, spreads = differences.mean(axis=1), deviation(differences)
    for i, (a, b) in enumerate(pairs):
        yield Comparison(
            measure=measure,
            first=systems[a],
            second=systems[b],
            queries=len(queries),
            observations=matrix.shape[1],
            difference=float(means[i]),
            low=float(bounds[i, 0]),
            high=float(bounds[i, 1]),
            effect=_effect(float(means[i]), float(spreads[i])),
            test=settings.test,
            p_uncorrected=float(p[i]),
            p_holm=float(p[i]),
            alpha=settings.alpha,
        )


def _effect(mean: float, spread: float) -> float:
    if spread > 0.0:
        return mean / spread
    return 0.0 if mean == 0.0 else float(np.copysign(np.inf, mean))


def _matrix(frames: Mapping[str, pd.DataFrame], measure: str) -> tuple[list[str], Float64]:
    """The queries, and (systems, queries) values; refuses systems that were scored on different queries."""
    columns: dict[str, pd.Series[float]] = {}
    for system, frame in frames.items():
        series = frame[frame["measure"] == measure].set_index("query")["value"].sort_index()
        if series.index.has_duplicates or not len(series):
            found = f"{series.index[series.index.duplicated()][0]!r} twice" if len(series) else "nothing"
            raise InputError(
                f"system {system!r} holds {found} for {measure}", remedy="score every system once per query with it"
            )
        columns[system] = series
    first = next(iter(columns))
    queries = columns[first].index
    for system, series in columns.items():
        if not queries.equals(series.index):
            odd = queries.symmetric_difference(series.index)
            raise InputError(
                f"systems {first!r} and {system!r} were not scored on the same queries: {len(odd)} "
                f"differ, such as {odd[0]!r}",
                remedy="score both on the same collection, split and policy",
            )
    return list(queries), np.vstack([series.to_numpy(dtype=np.float64) for series in columns.values()])
