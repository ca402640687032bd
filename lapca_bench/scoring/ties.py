"""Ties: how many there are, and what a measure could be if they were broken otherwise.

The canonical order breaks ties by document id, which is fixed but arbitrary. `bounds` gives, per query, the best and
the worst value over all orders of tied documents and the value expected under a random one (McSherry and Najork, ECIR
2008, worked out group by group; with a cut-off a group is counted up to it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb

import numpy as np

from lapca_bench.errors import UsageError
from lapca_bench.run import Int64, Run
from lapca_bench.scoring import ranking
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.measures import Measure
from lapca_bench.scoring.naming.definitions import DEFINITIONS
from lapca_bench.scoring.ranking import Float64

# Measures that grow when a document of a higher grade moves up, and whose mean over the orders of a group is known.
_BOUNDED = frozenset({"nDCG", "nDCG_exp", "RR", "Success", "Accuracy", "AP", "AP_cap", "P", "R", "R_cap"})


@dataclass(frozen=True)
class TieCount:
    """Results that share a score with another of their query: rows in ties, groups of them, queries with one."""

    rows: int
    groups: int
    queries: int


@dataclass(frozen=True, eq=False)
class Bounds:
    """Values per judged query: of the canonical order, the best, the worst and a random order of tied documents."""

    canonical: Float64
    best: Float64
    worst: Float64
    expected: Float64


def count(run: Run) -> TieCount:
    """Count the ties of a run."""
    query_of = run.query_rows()
    again = np.zeros(len(run) + 1, dtype=bool)
    again[1:-1] = (run.scores[1:] == run.scores[:-1]) & (query_of[1:] == query_of[:-1])
    tied = again[:-1] | again[1:]
    firsts = again[1:] & ~again[:-1]
    return TieCount(int(tied.sum()), int(firsts.sum()), len(np.unique(query_of[tied])))


def bounds(judged: Judged, measure: Measure) -> Bounds:
    """Best, worst and expected value of a rank measure over ties, per judged query.

    Each of them grows when a document of a higher grade moves up, so best and worst are the orders by grade inside each
    group. Raises `UsageError` for another measure.
    """
    if measure.name not in _BOUNDED or not measure.by_rank or measure.parameter("judged_only", False):
        listed = ", ".join(definition.form for definition in DEFINITIONS if definition.name in _BOUNDED)
        raise UsageError(f"{measure} has no tie bounds", remedy=f"choose among {listed}")
    view = ranking.prepared(judged, measure)
    group = np.cumsum(~view.tied, dtype=np.int64)  # groups follow the rows, and never cross a query
    gain = np.maximum(view.grades, 0)
    best = view.grades[np.lexsort((-gain, group))]
    worst = view.grades[np.lexsort((gain, group))]
    canonical = ranking.evaluate(view, measure)
    expected = canonical.copy()
    for query in np.unique(view.query_of[view.tied]):
        rows = slice(view.offsets[query], view.offsets[query + 1])
        expected[query] = _expected(view, int(query), group[rows], measure)
    return Bounds(
        canonical,
        ranking.evaluate(replace(view, grades=best), measure),
        ranking.evaluate(replace(view, grades=worst), measure),
        expected,
    )


@dataclass(frozen=True)
class _Group:
    """Tied documents of one query: `before` documents and `found` relevant ones stand ahead of it."""

    before: int
    found: int
    size: int
    relevant: int

    def positions(self, k: int) -> int:
        """How many places of the group are among the first k."""
        return max(0, min(self.size, k - self.before))

    def none_within(self, places: int) -> float:
        """Probability that its first `places` places hold no relevant document."""
        return comb(self.size - self.relevant, places) / comb(self.size, places)


def _expected(judged: Judged, query: int, group: Int64, measure: Measure) -> float:
    rows = slice(judged.offsets[query], judged.offsets[query + 1])
    grades = judged.grades[rows]
    k = len(grades) if measure.depth is None else measure.depth
    _, index, sizes = np.unique(group, return_inverse=True, return_counts=True)
    if measure.name in {"nDCG", "nDCG_exp"}:
        exponential = measure.name == "nDCG_exp"
        gains = np.bincount(index, weights=ranking.gain(grades, exponential=exponential)) / sizes
        ideal = float(ranking.ideal_dcg(judged, k, exponential=exponential)[query])
        places = np.arange(1, len(grades) + 1)
        return float((gains[index] / np.log2(places + 1))[:k].sum()) / ideal if ideal else 0.0
    relevant = np.bincount(index, weights=grades > 0).astype(np.int64)
    before, found = np.cumsum(sizes) - sizes, np.cumsum(relevant) - relevant
    groups = [_Group(*map(int, entry)) for entry in zip(before, found, sizes, relevant, strict=True)]
    total = int(judged.relevant[query])
    if measure.name == "RR":
        return _expected_reciprocal_rank(groups, k)
    if measure.name in {"Success", "Accuracy"}:
        return 1.0 - float(np.prod([g.none_within(g.positions(k)) for g in groups]))
    if measure.name in {"AP", "AP_cap"}:
        divisor = total if measure.name == "AP" else min(total, k)
        return sum(_expected_precisions(g, k) for g in groups) / divisor if divisor else 0.0
    divisor = {"P": k, "R": total, "R_cap": min(total, k)}[measure.name]
    return sum(g.relevant * g.positions(k) / g.size for g in groups) / divisor if divisor else 0.0


def _expected_reciprocal_rank(groups: list[_Group], k: int) -> float:
    """Of the first group with a relevant document: the sum over places of P(first relevant there) / rank."""
    group = next((g for g in groups if g.relevant), None)
    if group is None:
        return 0.0
    last = min(group.positions(k), group.size - group.relevant + 1)
    return sum((group.none_within(j) - group.none_within(j + 1)) / (group.before + j + 1) for j in range(last))


def _expected_precisions(group: _Group, k: int) -> float:
    """Expected sum of the precisions at the group's relevant documents among the first k."""
    others = (group.relevant - 1) / (group.size - 1) if group.size > 1 else 0.0
    return sum(
        group.relevant / group.size * (group.found + 1 + j * others) / (group.before + j + 1)
        for j in range(group.positions(k))
    )
