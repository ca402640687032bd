"""Measures that model a user who reads down the list and stops somewhere: expected reciprocal rank, RBP."""

from __future__ import annotations

import numpy as np

from lapca_bench.errors import InputError
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.ranking import Float64, gain, per_query, within


def expected_reciprocal_rank(judged: Judged, k: int | None, *, max: int) -> Float64:  # noqa: A002 - the parameter's name
    """Expected 1 / rank of the document that satisfies the user, who reads on until one does.

    `max` is the highest grade of the scale. Raises `InputError` for judgements with a higher one.
    """
    highest = int(judged.ideal.max(initial=0))
    if highest > max:
        raise InputError(
            f"ERR takes grades up to {max}, and these judgements go up to {highest}",
            remedy=f"write ERR(max={highest})@20 for a scale that ends at {highest}",
        )
    satisfies = gain(judged.grades, exponential=True) / 2.0**max
    rows = np.flatnonzero((judged.grades > 0) & within(judged, k))
    query = judged.query_of[rows]
    ordinal = np.arange(len(rows)) - np.searchsorted(query, query)  # number of the relevant row in its query, from 0
    reads_on = np.ones(len(judged), dtype=np.float64)
    values = np.zeros(len(judged), dtype=np.float64)
    for place in range(int(ordinal.max(initial=-1)) + 1):
        at, of = rows[ordinal == place], query[ordinal == place]
        values[of] += reads_on[of] * satisfies[at] / judged.rank[at]
        reads_on[of] *= 1.0 - satisfies[at]
    return values


def rank_biased_precision(judged: Judged, k: int | None, *, p: float) -> Float64:
    """Rate at which a user finds relevant documents who goes on to the next with probability `p`."""
    weights = (1.0 - p) * np.power(p, judged.rank - 1.0)
    return per_query(judged, weights, within(judged, k) & (judged.grades > 0))
