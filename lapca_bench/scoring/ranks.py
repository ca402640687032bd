"""Ranks that systems share where no test separates them; systems may be thousands.

A system opens a new group when it differs significantly (paired t-test, Holm over all pairs) from the best system of
the group above; until then it shares that group's rank. The rank of a group is one more than the number of systems
above it.
"""

from __future__ import annotations

import numpy as np

from lapca_bench.scoring.observations import Float64
from lapca_bench.scoring.significance import CELLS, holm, paired_t, two_sided


def shared_ranks(values: Float64, alpha: float = 0.05) -> list[int]:
    """The rank of each row of `values` (systems, observations), from 1, the highest mean first."""
    count = len(values)
    differ = np.zeros((count, count), dtype=np.bool_)
    if count > 1:
        differ[np.triu_indices(count, 1)] = holm(pairwise_t(values)) < alpha
    means = values.mean(axis=1)
    ranks = [0] * count
    leader: int | None = None
    for place, row in enumerate(sorted(range(count), key=lambda row: (-means[row], row)), start=1):
        if leader is None or differ[min(leader, row), max(leader, row)]:
            leader, ranks[row] = row, place
        else:
            ranks[row] = ranks[leader]
    return ranks


def pairwise_t(values: Float64) -> Float64:
    """`paired_t` of every pair of rows (systems, observations), in the order of `numpy.triu_indices(systems, 1)`.

    The spreads of all differences come of one matrix product, |a - b|^2 = a.a + b.b - 2 a.b of centred rows; a pair in
    which that cancels to a millionth of its parts or less is subtracted value by value instead.
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
    p = two_sided(means[first] - means[second], np.sqrt(squares / max(n - 1, 1)), n)
    step = max(1, CELLS // n)
    for start in range(0, len(near), step):
        pairs = near[start : start + step]
        p[pairs] = paired_t(values[first[pairs]] - values[second[pairs]])
    return p
