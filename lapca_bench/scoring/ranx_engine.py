"""Rank measures computed by ranx, with its traps closed.

ranx's metric functions are called on arrays, not through `ranx.evaluate`: documents as numbers, scores strictly
decreasing surrogates (n, n-1, ...), so the canonical order is the only order there is. That also avoids what its
dictionaries do: unstable order among 16 or more ties, a thread count of 1 left behind after fewer than 10 queries,
ValueError on an empty run, a run mutated by `make_comparable`. ranx takes the ideal order of nDCG from the order of the
judgements, so these are given best first.

Small inputs go through ranx's functions as Python reads them, large ones as numba compiles them (`ranx_functions`): the
compiler takes 13 s and more for all of them, and nobody should wait that long for a first table. What cannot change a
value is left out: of each query the documents behind its last relevant one, and which document a non-relevant one is.
ranx runs numba's "workqueue" threads, which end the process when two Python threads enter them: hence the lock.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lapca_bench.progress import progress
from lapca_bench.run import Int64
from lapca_bench.scoring import ranking, ranx_functions
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.measures import Measure
from lapca_bench.scoring.naming.definitions import Value
from lapca_bench.scoring.ranking import Float64

# ranx's function for each measure that it has; R_cap and AP_cap are its recall and AP with another divisor.
_FUNCTIONS = {
    "nDCG": "ndcg",
    "nDCG_exp": "ndcg_burges",
    "RR": "reciprocal_rank",
    "R": "recall",
    "R_cap": "recall",
    "Success": "hit_rate",
    "P": "precision",
    "AP": "average_precision",
    "AP_cap": "average_precision",
    "Accuracy": "hit_rate",
}
_INTERPRETED = 10_000_000  # steps of a loop, about half a microsecond each, that Python may take before numba compiles
_CELLS = 1 << 22  # document slots per compiled call: bounds the padding to 64 MiB however unequal the queries are
_ENTER = threading.Lock()


def evaluate(judged: Judged, measures: list[Measure]) -> list[Float64]:
    """The values of rank measures for every judged query, in the order of `judged.queries`.

    A measure that ranx does not have is computed by `ranking`.
    """
    views: dict[tuple[Value, Value], list[Measure]] = {}  # measures that look at the run alike are computed together
    for measure in measures:
        if measure.name in _FUNCTIONS and measure.by_rank:
            views.setdefault((measure.parameter("rel", 1), measure.parameter("judged_only", False)), []).append(measure)
    values: dict[Measure, Float64] = {}
    for alike in views.values():
        values |= zip(alike, _by_ranx(ranking.prepared(judged, alike[0]), alike), strict=True)
    return [values[measure] if measure in values else ranking.evaluate(judged, measure) for measure in measures]


def _by_ranx(judged: Judged, measures: Sequence[Measure]) -> list[Float64]:
    rows = _rows(judged)
    with _ENTER, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba remarks on ranx's unsigned loop counters when it compiles
        scored = _interpreted if _steps(judged, measures) <= _INTERPRETED else _compiled
        values = scored(judged, rows, measures)
    return [_capped(judged, measure, value) for measure, value in zip(measures, values, strict=True)]


def _depth(measure: Measure) -> int:
    """The cut-off as ranx takes it; 0 is none."""
    return measure.definition.depth or measure.cutoff or 0


def _lengths(judged: Judged) -> Int64:
    """For each query the rank of its last relevant document retrieved: what stands behind it changes no value."""
    last = np.zeros(len(judged), dtype=np.int64)
    np.maximum.at(last, judged.ideal_query_of, judged.found_rank)
    return last


def _steps(judged: Judged, measures: Sequence[Measure]) -> int:
    """About how many steps ranx's loops take: over the rows, and for each hit and each gain over the judgements."""
    rows, relevant = _lengths(judged), judged.relevant
    looking = int((rows + relevant * np.minimum(rows, relevant)).sum())
    gains = sum(measure.name in {"nDCG", "nDCG_exp"} for measure in measures)
    return looking * len(measures) + int((relevant**2).sum()) * gains


def _rows(judged: Judged) -> Float64:
    """The retrieved documents as ranx takes them, (number, score): relevant ones numbered within their query from 1.

    Others are -1, which ranx passes over at once.
    """
    rows = np.full((len(judged.grades), 2), -1.0)
    rows[:, 1] = surrogate_scores(judged)
    hit = judged.found_rank > 0
    places = judged.offsets[judged.ideal_query_of[hit]] + judged.found_rank[hit] - 1
    rows[places, 0] = judged.ideal_rank[hit]
    return rows


def surrogate_scores(judged: Judged) -> Float64:
    """Strictly decreasing scores per query: the number of its rows, down to 1."""
    lengths = np.diff(judged.offsets)[judged.query_of]
    return (lengths - judged.rank + 1).astype(np.float64)


def _judgements(judged: Judged) -> Float64:
    """The relevant documents as ranx takes them, (number, grade), best first."""
    return np.column_stack([judged.ideal_rank, judged.ideal]).astype(np.float64)


def _interpreted(judged: Judged, rows: Float64, measures: Sequence[Measure]) -> list[Float64]:
    functions, lengths = ranx_functions.interpreted(), _lengths(judged)
    parts = zip(judged.offsets[:-1].tolist(), lengths.tolist(), strict=True)
    run = [rows[start : start + length] for start, length in parts]
    qrels = np.split(_judgements(judged), judged.ideal_offsets[1:-1])
    return [
        np.asarray(functions[_FUNCTIONS[measure.name]](qrels, run, _depth(measure), 1), dtype=np.float64)
        for measure in measures
    ]


def _compiled(judged: Judged, rows: Float64, measures: Sequence[Measure]) -> list[Float64]:
    functions, lengths = ranx_functions.compiled(), _lengths(judged)
    judgements, relevant = _judgements(judged), judged.relevant
    values = [np.zeros(len(judged), dtype=np.float64) for _ in measures]
    blocks = list(_blocks(np.maximum(lengths, relevant)))
    with progress("score", total=len(blocks) * len(measures), unit="measure") as bar:
        for queries in blocks:
            run = _padded(rows, judged.offsets[queries], lengths[queries], -1.0)
            qrels = _padded(judgements, judged.ideal_offsets[queries], relevant[queries], -2.0)
            for value, measure in zip(values, measures, strict=True):
                function: Callable[..., Float64] = functions[_FUNCTIONS[measure.name]]
                value[queries] = function(qrels, run, _depth(measure), 1)
                bar.advance()
    return values


def _padded(rows: Float64, starts: Int64, lengths: Int64, filler: float) -> Float64:
    """(queries, longest, 2) rows of the queries, filled up with a document that matches nothing and value 0."""
    array = np.zeros((len(starts), max(int(lengths.max(initial=0)), 1), 2), dtype=np.float64)
    array[:, :, 0] = filler
    query = np.repeat(np.arange(len(starts)), lengths)
    column = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    array[query, column] = rows[np.repeat(starts, lengths) + column]
    return array


def _blocks(lengths: Int64) -> Iterator[Int64]:
    """Queries in blocks of similar length, each padding to at most `_CELLS` slots (or one query)."""
    slots = np.maximum(lengths, 1)
    order = np.argsort(-slots, kind="stable").astype(np.int64)
    start = 0
    while start < len(order):
        size = max(1, _CELLS // int(slots[order[start]]))
        yield order[start : start + size]
        start += size


def _capped(judged: Judged, measure: Measure, value: Float64) -> Float64:
    """R_cap and AP_cap from ranx's R and AP: the divisor is min(relevant, k) instead of the number of relevant."""
    if measure.name not in {"R_cap", "AP_cap"}:
        return value
    capped = np.minimum(judged.relevant, measure.cutoff or 1)
    return np.asarray(value * judged.relevant / np.maximum(capped, 1), dtype=np.float64)
