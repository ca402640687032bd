"""Tests and intervals of paired values: whether a mean difference is more than chance.

There are two tests, chosen by name: the paired t-test, which is the default everywhere, and a permutation test that
flips the sign of each observation's difference at random, p = (count + 1) / (n + 1) so that it is never 0 (Phipson and
Smyth 2010). Holm's step-down correction (1979) runs over all that is shown together, because a table of ten equal
systems shows an uncorrected p < .05 in two cases of three; the corrected value is called `p_holm` wherever it stands.
What an observation is, `scoring.observations` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import UsageError
from lapca_bench.run import Int64
from lapca_bench.scoring.observations import Float64

Test = Literal["t", "permutation"]
TESTS: dict[Test, str] = {"t": "paired t-test", "permutation": "paired permutation test"}
DEFAULT_TEST: Test = "t"
SAMPLES = 2_000  # of a bootstrap interval
SEED = 13  # of what is drawn here
POWER = 0.8  # probability to find a difference that is called detectable
CELLS = 1 << 24  # numbers held at a time


@dataclass(frozen=True)
class Settings:
    """How comparisons are made: test, level of significance, number of permutations and bootstrap samples, seed.

    Without bootstrap samples (0) there are no intervals. `baseline` names the system that all others are compared with,
    and nothing else is ("": all with all). `margin` is the difference of means below which two systems count as equally
    good (None: that is not tested).
    """

    test: Test = DEFAULT_TEST
    alpha: float = 0.05
    baseline: str = ""
    margin: float | None = None
    permutations: int = 10_000
    bootstrap: int = SAMPLES
    seed: int = SEED


def p_values(differences: Float64, settings: Settings) -> Float64:
    """Two-sided p-values of the chosen test, one per row of `differences` (pairs, observations)."""
    if settings.test == "t":
        return paired_t(differences)
    return permutation(differences, settings.permutations, settings.seed)


def paired_t(differences: Float64) -> Float64:
    """Two-sided p-values of the paired t-test; `differences` is (..., observations).

    Differences that are all equal have no variance to test against: p is 1 where they are 0, else 0 (from two on).
    """
    mean = differences.mean(axis=-1)
    return two_sided(mean, deviation(differences), differences.shape[-1])


def two_sided(mean: Float64, spread: Float64, n: int) -> Float64:
    """p-values of Student's t of `n` differences with this mean and sample standard deviation."""
    from scipy import special

    if n < 2:
        return np.ones_like(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / (spread / np.sqrt(n))
    p = 2.0 * special.stdtr(n - 1, -np.abs(np.where(np.isnan(t), 0.0, t)))
    return np.asarray(p, dtype=np.float64)


def equivalence(mean: Float64, spread: Float64, n: int, margin: float) -> Float64:
    """p-values of two one-sided paired t-tests: that the true difference is not within `margin` of 0.

    Small where the two are equivalent (Schuirmann 1987). `mean` and `spread` are of `n` differences.
    """
    from scipy import special

    if n < 2:
        return np.ones_like(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (margin - np.abs(mean)) / (spread / np.sqrt(n))  # of the nearer bound; the other is further away
    p = special.stdtr(n - 1, -np.where(np.isnan(inside), 0.0, inside))
    return np.asarray(p, dtype=np.float64)


def detectable(spread: Float64, n: int, alpha: float) -> Float64:
    """The difference of means that a two-sided paired t-test at `alpha` finds with a probability of `POWER`.

    (t of 1 - alpha / 2 plus t of the power) times the standard error of `n` differences; infinite for fewer than two.
    """
    from scipy import special

    if n < 2:
        return np.full_like(spread, np.inf)
    times = special.stdtrit(n - 1, 1.0 - alpha / 2.0) + special.stdtrit(n - 1, POWER)
    return np.asarray(times * spread / np.sqrt(n), dtype=np.float64)


def deviation(differences: Float64) -> Float64:
    """Sample standard deviation along the observations; exactly 0 for equal differences, whatever rounding does."""
    constant = np.ptp(differences, axis=-1) == 0.0
    if differences.shape[-1] < 2:
        return np.zeros(differences.shape[:-1])
    return np.asarray(np.where(constant, 0.0, differences.std(axis=-1, ddof=1)), dtype=np.float64)


def permutation(differences: Float64, permutations: int, seed: int) -> Float64:
    """Two-sided p-values of the sign-flip test on the mean; `differences` is (pairs, observations).

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
        block = min(left, max(1, CELLS // max(n, pairs)))
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
    """Bootstrap percentile intervals of the means of `values` (rows, observations), as (rows, 2): low, high."""
    return _percentiles(_resampled_means(values, samples, seed), level)


def difference_intervals(
    values: Float64, first: Int64, second: Int64, *, level: float = 0.95, samples: int = SAMPLES, seed: int = SEED
) -> Float64:
    """The same of the differences of the rows `first` and `second`, as (pairs, 2)."""
    means = _resampled_means(values, samples, seed)
    return _percentiles(means[:, first] - means[:, second], level)


def _resampled_means(values: Float64, samples: int, seed: int) -> Float64:
    """(samples, rows) means of `values` over observations that are drawn again.

    All rows see the same resampled observations, drawn from `numpy.random.default_rng(seed)`, as paired values must;
    drawing counts instead of copies makes it one matrix product (Efron and Tibshirani 1993, chapter 13).
    """
    rng = np.random.default_rng(seed)
    rows, n = values.shape
    if n == 0:
        raise UsageError("an interval needs at least one value")
    means = np.empty((samples, rows), dtype=np.float64)
    block = max(1, CELLS // max(n, rows) // 8)
    for start in range(0, samples, block):
        size = min(block, samples - start)
        drawn = rng.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        means[start : start + size] = counts @ values.T / n
    return means


def _percentiles(means: Float64, level: float) -> Float64:
    tail = (1.0 - level) / 2.0
    return np.asarray(np.quantile(means, [tail, 1.0 - tail], axis=0).T, dtype=np.float64)
