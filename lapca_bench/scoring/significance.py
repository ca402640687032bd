"""Whether two systems differ: paired tests on per-query values, corrected over all comparisons shown together.

Every pair of systems is compared on the same observations (`scoring.observations`). There are two tests, chosen by
name: the paired t-test, which is the default everywhere, and a permutation test that flips the sign of each
observation's difference at random, p = (count + 1) / (n + 1) so that it is never 0 (Phipson and Smyth 2010). Holm's
step-down correction (1979) is applied over all pairs and measures shown together, because a table of ten equal systems
shows an uncorrected p < .05 in two cases of three; the corrected value is called `p_holm` wherever it stands. The
effect is given as the mean difference with a bootstrap interval and as d_z, the mean difference over the standard
deviation of the differences.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError, UsageError
from lapca_bench.scoring.measures import parse
from lapca_bench.scoring.observations import Float64, observations_of, summed

if TYPE_CHECKING:
    import pandas as pd

Test = Literal["t", "permutation"]
TESTS: dict[Test, str] = {"t": "paired t-test", "permutation": "paired permutation test"}
DEFAULT_TEST: Test = "t"
SAMPLES = 2_000  # of a bootstrap interval
SEED = 13  # of what is drawn here
Name = TypeVar("Name", bound=Hashable)

_CELLS = 1 << 24  # signs drawn at a time: 16 MiB


@dataclass(frozen=True)
class Settings:
    """How comparisons are made: test, level of significance, number of permutations and bootstrap samples, seed."""

    test: Test = DEFAULT_TEST
    alpha: float = 0.05
    permutations: int = 10_000
    bootstrap: int = SAMPLES
    seed: int = SEED


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


def p_values(differences: Float64, settings: Settings) -> Float64:
    """Two-sided p-values of the chosen test, one per row of `differences` (pairs, observations)."""
    if settings.test == "t":
        return paired_t(differences)
    return permutation(differences, settings.permutations, settings.seed)


def paired_t(differences: Float64) -> Float64:
    """Two-sided p-values of the paired t-test; `differences` is (..., queries).

    Differences that are all equal have no variance to test against: p is 1 where they are 0, else 0 (from 2 queries).
    """
    mean = differences.mean(axis=-1)
    return _two_sided(mean, _spread(differences), differences.shape[-1])


def _two_sided(mean: Float64, spread: Float64, n: int) -> Float64:
    """p-values of Student's t of `n` differences with this mean and sample standard deviation."""
    from scipy import special

    if n < 2:
        return np.ones_like(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / (spread / np.sqrt(n))
    p = 2.0 * special.stdtr(n - 1, -np.abs(np.where(np.isnan(t), 0.0, t)))
    return np.asarray(p, dtype=np.float64)


def _spread(differences: Float64) -> Float64:
    """Sample standard deviation along the queries; exactly 0 for equal differences, whatever rounding does."""
    constant = np.ptp(differences, axis=-1) == 0.0
    if differences.shape[-1] < 2:
        return np.zeros(differences.shape[:-1])
    return np.asarray(np.where(constant, 0.0, differences.std(axis=-1, ddof=1)), dtype=np.float64)


def permutation(differences: Float64, permutations: int, seed: int) -> Float64:
    """Two-sided p-values of the sign-flip test on the mean; `differences` is (pairs, queries).

    All pairs see the same sign vectors, drawn from `numpy.random.default_rng(seed)`. Sums that agree to 12 digits count
    as equal, so that rounding cannot break a tie with the observed sum.
    """
    rng = np.random.default_rng(seed)
    pairs, n = differences.shape
    observed = np.abs(differences.sum(axis=1))
    slack = 1e-12 * np.maximum(np.abs(differences).sum(axis=1), 1e-300)
    count = np.zeros(pairs, dtype=np.int64)
    left = permutations
    while left:
        block = min(left, max(1, _CELLS // max(n, pairs)))
        signs = rng.integers(0, 2, size=(block, n), dtype=np.int8).astype(np.float64) * 2.0 - 1.0
        count += (np.abs(signs @ differences.T) >= observed - slack).sum(axis=0)
        left -= block
    return np.asarray((count + 1.0) / (permutations + 1.0), dtype=np.float64)


def holm(p_values: npt.ArrayLike) -> Float64:
    """Holm's step-down adjusted p-values along the last axis, in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    m = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    stepped = np.take_along_axis(p, order, axis=-1) * np.arange(m, 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    result = np.empty_like(adjusted)
    np.put_along_axis(result, order, adjusted, axis=-1)
    return result


def intervals(values: Float64, *, level: float = 0.95, samples: int = SAMPLES, seed: int = SEED) -> Float64:
    """Bootstrap percentile intervals of the means of `values` (rows, queries), as (rows, 2): low, high.

    All rows see the same resampled queries, drawn from `numpy.random.default_rng(seed)`, as paired values must; drawing
    counts instead of copies makes it one matrix product (Efron and Tibshirani 1993, chapter 13).
    """
    rng = np.random.default_rng(seed)
    rows, n = values.shape
    if n == 0:
        raise UsageError("an interval needs at least one value")
    means = np.empty((samples, rows), dtype=np.float64)
    block = max(1, _CELLS // max(n, rows) // 8)
    for start in range(0, samples, block):
        size = min(block, samples - start)
        drawn = rng.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        means[start : start + size] = counts @ values.T / n
    tail = (1.0 - level) / 2.0
    return np.asarray(np.quantile(means, [tail, 1.0 - tail], axis=0).T, dtype=np.float64)


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
    names = [str(parse(one)) for one in ([measures] if isinstance(measures, str) else measures)]
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
    means, spreads = differences.mean(axis=1), _spread(differences)
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


def tied_groups(means: Mapping[str, float], comparisons: Sequence[Comparison]) -> dict[str, int]:
    """Leaderboard ranks from 1, best mean first, in which systems that cannot be told apart share a rank.

    A system opens a new group when it differs significantly (after correction) from the best system of the group above;
    until then it shares that group's rank. The rank of a group is one more than the number of systems above it.
    Raises `UsageError` where a pair of systems was not compared.
    """
    known = {frozenset((c.first, c.second)): c.significant for c in comparisons}

    def separable(leader: str, system: str) -> bool:
        pair = frozenset((leader, system))
        if pair not in known:
            raise UsageError(f"{leader!r} and {system!r} were not compared", remedy="compare all systems in one call")
        return known[pair]

    return _grouped(sorted(means, key=lambda system: (-means[system], system)), separable)


def tied_rows(values: Float64, alpha: float = 0.05) -> list[int]:
    """`tied_groups` of rows (systems, queries) by their means and t-tests, without an object per pair.

    Systems may be thousands.
    """
    count = len(values)
    differ = np.zeros((count, count), dtype=np.bool_)
    if count > 1:
        differ[np.triu_indices(count, 1)] = holm(pairwise_t(values)) < alpha
    means = values.mean(axis=1)
    order = sorted(range(count), key=lambda row: (-means[row], row))
    ranks = _grouped(order, lambda one, other: bool(differ[min(one, other), max(one, other)]))
    return [ranks[row] for row in range(count)]


def pairwise_t(values: Float64) -> Float64:
    """`paired_t` of every pair of rows (systems, queries), in the order of `numpy.triu_indices(systems, 1)`.

    The spreads of all differences come of one matrix product, |a - b|^2 = a.a + b.b - 2 a.b of centred rows; a pair in
    which that cancels to a millionth of its parts or less is subtracted query by query instead.
    """
    first, second = np.triu_indices(len(values), 1)
    n = values.shape[1]
    means = values.mean(axis=1)
    centred = values - means[:, None]
    products = centred @ centred.T
    parts = products.diagonal()[first] + products.diagonal()[second]
    squares = parts - 2.0 * products[first, second]
    near = np.flatnonzero(squares <= 1e-6 * parts)
    squares[near] = 0.0  # rounding can make it negative; its p-value is replaced below
    p = _two_sided(means[first] - means[second], np.sqrt(squares / max(n - 1, 1)), n)
    step = max(1, _CELLS // n)
    for start in range(0, len(near), step):
        pairs = near[start : start + step]
        p[pairs] = paired_t(values[first[pairs]] - values[second[pairs]])
    return p


def _grouped(order: Sequence[Name], separable: Callable[[Name, Name], bool]) -> dict[Name, int]:
    """Ranks of what is in order, best first; what is not separable from the first of its group shares its rank."""
    ranks: dict[Name, int] = {}
    leader: Name | None = None
    for place, system in enumerate(order, start=1):
        if leader is None or separable(leader, system):
            leader, ranks[system] = system, place
        else:
            ranks[system] = ranks[leader]
    return ranks
