"""Rank measures computed by ranx, with its traps closed.

ranx's metric functions are called on arrays, not through `ranx.evaluate`: documents as integer codes, scores strictly
decreasing surrogates (n, n-1, ...), so the canonical order is the only order there is. That also avoids what its
dictionaries do: unstable order among 16 or more ties, a thread count of 1 left behind after fewer than 10 queries,
ValueError on an empty run, a run mutated by `make_comparable`. Queries without a result get a padded row of documents
that match nothing. ranx takes the ideal order of nDCG from the order of the judgements, so these are given best first.

ranx compiles its functions with numba on first use (about 13 s for all of them on two cores) and keeps the machine code
in numba's cache; that cache is put under the cache folder of this project, because the default, ranx's own folder, may
not be writable. Later processes pay ranx's imports, about 3 s, and score 70,000 queries of 100 documents in 0.9 s.
ranx runs numba's "workqueue" threads, which end the process when two Python threads enter them: hence the lock.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np

from lapca_bench.paths import cache_root
from lapca_bench.progress import progress
from lapca_bench.run import Int64
from lapca_bench.scoring import ranking
from lapca_bench.scoring.definitions import Value
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.measures import Measure
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
_CELLS = 1 << 22  # document slots per call: bounds the padding to 64 MiB however unequal the queries are
_ENTER = threading.Lock()


@cache
def _metrics() -> ModuleType:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_root() / "numba"))
    return import_module("ranx.metrics")


def _padded(documents: Int64, values: Float64, offsets: Int64, queries: Int64, filler: float) -> Float64:
    """(queries, longest, 2) array of (document, value), filled up with a document that matches nothing and value 0."""
    lengths = np.diff(offsets)[queries]
    array = np.zeros((len(queries), max(int(lengths.max(initial=0)), 1), 2), dtype=np.float64)
    array[:, :, 0] = filler
    row = np.repeat(np.arange(len(queries)), lengths)
    column = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    source = np.repeat(offsets[queries], lengths) + column
    array[row, column, 0] = documents[source]
    array[row, column, 1] = values[source]
    return array


def _blocks(judged: Judged) -> Iterator[Int64]:
    """Queries in blocks of similar length, each padding to at most `_CELLS` slots (or one query)."""
    lengths = np.maximum(np.maximum(np.diff(judged.offsets), judged.relevant), 1)
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    start = 0
    while start < len(order):
        size = max(1, _CELLS // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size


def surrogate_scores(judged: Judged) -> Float64:
    """Strictly decreasing scores per query: the number of its rows, down to 1."""
    lengths = np.diff(judged.offsets)[judged.query_of]
    return (lengths - judged.rank + 1).astype(np.float64)


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
    scores = surrogate_scores(judged)
    ideal = judged.ideal.astype(np.float64)
    values = [np.zeros(len(judged), dtype=np.float64) for _ in measures]
    blocks = list(_blocks(judged))
    steps = len(blocks) * len(measures)
    with _ENTER, warnings.catch_warnings(), progress("score", total=steps, unit="measure") as bar:
        warnings.simplefilter("ignore")  # numba remarks on ranx's unsigned loop counters when it compiles
        for queries in blocks:
            run = _padded(judged.documents, scores, judged.offsets, queries, -1.0)
            qrels = _padded(judged.ideal_documents, ideal, judged.ideal_offsets, queries, -2.0)
            for value, measure in zip(values, measures, strict=True):
                function: Callable[..., Float64] = getattr(_metrics(), _FUNCTIONS[measure.name])
                k = measure.definition.depth or measure.cutoff or 0
                value[queries] = function(qrels, run, k, 1)
                bar.advance()
    return [_capped(judged, measure, value) for measure, value in zip(measures, values, strict=True)]


def _capped(judged: Judged, measure: Measure, value: Float64) -> Float64:
    """R_cap and AP_cap from ranx's R and AP: the divisor is min(relevant, k) instead of the number of relevant."""
    if measure.name not in {"R_cap", "AP_cap"}:
        return value
    capped = np.minimum(judged.relevant, measure.cutoff or 1)
    return np.asarray(value * judged.relevant / np.maximum(capped, 1), dtype=np.float64)
