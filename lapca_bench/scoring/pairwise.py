"""Pairs of systems on the same observations: difference, interval, effect, corrected p-value, power and equivalence.

Whatever shows a comparison takes it from here: letters of tables, lists of pairs, `compare`. The effect is given as the
mean difference with a bootstrap interval and as d_z, the mean difference over the standard deviation of differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.errors import InputError, UsageError, unknown_name
from lapca_bench.scoring.measures import parse_mean
from lapca_bench.scoring.observations import Float64, observations_of, summed
from lapca_bench.scoring.significance import (
    Settings,
    Test,
    detectable,
    deviation,
    difference_intervals,
    equivalence,
    holm,
    p_values,
)

if TYPE_CHECKING:
    import pandas as pd

MEAN = "mean"


@dataclass(frozen=True)
class Comparison:
    """System `first` against `second` on the same queries; `difference` is first minus second.

    `column` is what was averaged: the mean, or one language. `observations` are the queries, translations of one taken
    as one. `p_uncorrected` is two-sided, by `test`; `p_holm` is corrected over all comparisons made together, as
    `p_equivalent` is, that of two one-sided t-tests for a difference within `margin` of 0 (both None where that is not
    asked). `low` and `high` bound the mean difference at 1 - alpha (NaN where that was not asked). `effect` is d_z (0
    where all differences are 0, infinite where they are equal and not 0). `detectable` is the difference that these
    observations show in four of five cases, at alpha over the number of comparisons.
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
    detectable: float
    margin: float | None = None
    p_equivalent: float | None = None
    column: str = MEAN

    @property
    def significant(self) -> bool:
        """Whether the corrected p-value is below alpha."""
        return self.p_holm < self.alpha

    @property
    def equivalent(self) -> bool:
        """Whether the two are as good as each other: a difference beyond the margin is ruled out at alpha."""
        return self.p_equivalent is not None and self.p_equivalent < self.alpha


@dataclass(frozen=True, eq=False)
class Observed:
    """Systems on the same observations: `values` is (systems, observations), of `queries` queries each."""

    measure: str
    column: str
    systems: Sequence[str]
    values: Float64
    queries: int


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
    systems and for a baseline that is none of them, `InputError` where two systems were not scored on the same queries:
    a paired test on the queries they share would answer another question than the table asks.
    """
    if len(frames) < 2:
        raise UsageError("a comparison needs at least two systems")
    names = [str(parse_mean(one)) for one in ([measures] if isinstance(measures, str) else measures)]
    return compare_observed([_observed(frames, name, translations) for name in names], settings)


def compare_observed(groups: Sequence[Observed], settings: Settings | None = None) -> list[Comparison]:
    """Every pair within each group (with a baseline: every pair that it is in), corrected together.

    A baseline is the second of its pairs. Raises `UsageError` for one that no group has.
    """
    settings = settings or Settings()
    known = list(dict.fromkeys(system for group in groups for system in group.systems))
    if settings.baseline and settings.baseline not in known:
        raise unknown_name("baseline", settings.baseline, known)
    chosen = [(group, _pairs(group.systems, settings.baseline)) for group in groups]
    count = sum(len(pairs) for _, pairs in chosen)
    made = [one for group, pairs in chosen if pairs for one in _comparisons(group, pairs, settings, count)]
    adjusted = holm([one.p_uncorrected for one in made])
    made = [replace(one, p_holm=float(p)) for one, p in zip(made, adjusted, strict=True)]
    if settings.margin is not None:
        adjusted = holm([1.0 if one.p_equivalent is None else one.p_equivalent for one in made])
        made = [replace(one, p_equivalent=float(p)) for one, p in zip(made, adjusted, strict=True)]
    return made


def _pairs(systems: Sequence[str], baseline: str) -> list[tuple[int, int]]:
    if not baseline:
        return list(combinations(range(len(systems)), 2))
    if baseline not in systems:
        return []
    place = list(systems).index(baseline)
    return [(other, place) for other in range(len(systems)) if other != place]


def _comparisons(
    group: Observed, pairs: Sequence[tuple[int, int]], settings: Settings, count: int
) -> Iterator[Comparison]:
    """The pairs of one group, whose p-values are not corrected yet, of `count` made together."""
    first, second = (np.asarray(side) for side in zip(*pairs, strict=True))
    differences = group.values[first] - group.values[second]
    n = group.values.shape[1]
    p = p_values(differences, settings)
    bounds = np.full((len(pairs), 2), np.nan)
    if settings.bootstrap:
        level, samples = 1.0 - settings.alpha, settings.bootstrap
        bounds = difference_intervals(group.values, first, second, level=level, samples=samples, seed=settings.seed)
    means, spreads = differences.mean(axis=1), deviation(differences)
    shown = detectable(spreads, n, settings.alpha / count)
    same = None if settings.margin is None else equivalence(means, spreads, n, settings.margin)
    for i, (a, b) in enumerate(pairs):
        yield Comparison(
            measure=group.measure,
            first=group.systems[a],
            second=group.systems[b],
            queries=group.queries,
            observations=n,
            difference=float(means[i]),
            low=float(bounds[i, 0]),
            high=float(bounds[i, 1]),
            effect=_effect(float(means[i]), float(spreads[i])),
            test=settings.test,
            p_uncorrected=float(p[i]),
            p_holm=float(p[i]),
            alpha=settings.alpha,
            detectable=float(shown[i]),
            margin=settings.margin,
            p_equivalent=None if same is None else float(same[i]),
            column=group.column,
        )


def _effect(mean: float, spread: float) -> float:
    if spread > 0.0:
        return mean / spread
    return 0.0 if mean == 0.0 else float(np.copysign(np.inf, mean))


def _observed(frames: Mapping[str, pd.DataFrame], measure: str, translations: str) -> Observed:
    """All systems on one measure; refuses systems that were scored on different queries."""
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
    of_query = np.asarray([series.to_numpy(dtype=np.float64) for series in columns.values()], dtype=np.float64)
    share = np.full(len(queries), 1.0 / len(queries), dtype=np.float64)
    _, values = summed(observations_of(list(queries), translations), share, of_query)
    return Observed(measure, MEAN, list(columns), values, len(queries))
