"""Rank measures of a joined run, in numpy: one value per judged query.

These are definitions of `measures.toml`, written on columns; `pooled` and `user_models` hold others. They start at once
and score seven million rows in about a second, which is why scoring a file uses them; `ranx_engine` computes the same
values with ranx. The tests hold both, and pytrec_eval, equal to 1e-9 on random runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import UsageError
from lapca_bench.run import Int64
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.measures import Measure
from lapca_bench.scoring.naming.definitions import DEFINITIONS, Value

Float64 = npt.NDArray[np.float64]
RankMeasure = Callable[..., Float64]  # a run, a cut-off and parameters by name, to one value per judged query
_OF_THE_VIEW = frozenset({"rel", "judged_only"})  # parameters that `prepared` has dealt with


def per_query(judged: Judged, values: Float64, rows: npt.NDArray[np.bool_]) -> Float64:
    """Sum of row values per query, over the rows that `rows` has true."""
    return np.bincount(judged.query_of[rows], weights=values[rows], minlength=len(judged)).astype(np.float64)


def divide(numerator: Float64, denominator: npt.NDArray[np.generic]) -> Float64:
    """Quotient per query; 0 where there is nothing to find."""
    result = np.zeros(len(numerator), dtype=np.float64)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def within(judged: Judged, k: int | None) -> npt.NDArray[np.bool_]:
    """Which rows are among the first k of their query."""
    return np.ones(len(judged.grades), dtype=bool) if k is None else judged.rank <= k


def found(judged: Judged, k: int | None) -> Float64:
    """Relevant documents among the first k, per query."""
    return per_query(judged, (judged.grades > 0).astype(np.float64), within(judged, k))


def gain(grades: Int64, *, exponential: bool) -> Float64:
    """What a document of each grade adds before the discount; nothing for grades below 1."""
    positive = np.maximum(grades, 0).astype(np.float64)
    return np.exp2(positive) - 1.0 if exponential else positive


def ndcg(judged: Judged, k: int | None) -> Float64:
    """NDCG with linear gain."""
    return _ndcg(judged, k, exponential=False)


def ndcg_exponential(judged: Judged, k: int | None) -> Float64:
    """NDCG with the gain 2^grade - 1."""
    return _ndcg(judged, k, exponential=True)


def _ndcg(judged: Judged, k: int | None, *, exponential: bool) -> Float64:
    dcg = per_query(judged, gain(judged.grades, exponential=exponential) / np.log2(judged.rank + 1), within(judged, k))
    return divide(dcg, ideal_dcg(judged, k, exponential=exponential))


def ideal_dcg(judged: Judged, k: int | None, *, exponential: bool) -> Float64:
    """The discounted gain of the best possible first k, per query."""
    best = gain(judged.ideal, exponential=exponential) / np.log2(judged.ideal_rank + 1)
    keep = np.ones(len(best), dtype=bool) if k is None else judged.ideal_rank <= k
    return np.bincount(judged.ideal_query_of[keep], weights=best[keep], minlength=len(judged)).astype(np.float64)


def reciprocal_rank(judged: Judged, k: int | None) -> Float64:
    """1 / rank of the first relevant document."""
    hits = np.flatnonzero((judged.grades > 0) & within(judged, k))
    queries, first = np.unique(judged.query_of[hits], return_index=True)
    result = np.zeros(len(judged), dtype=np.float64)
    result[queries] = 1.0 / judged.rank[hits[first]]
    return result


def _precision_sum(judged: Judged, k: int | None) -> Float64:
    """Sum of the precisions at the relevant documents among the first k."""
    relevant = judged.grades > 0
    total = np.concatenate([[0], np.cumsum(relevant)])
    seen = total[1:] - total[judged.offsets[judged.query_of]]
    return per_query(judged, np.where(relevant, seen / judged.rank, 0.0), within(judged, k))


def _capped(judged: Judged, k: int | None) -> Int64:
    return judged.relevant if k is None else np.minimum(judged.relevant, k)


def recall(judged: Judged, k: int | None) -> Float64:
    """Share of all relevant documents that is among the first k."""
    return divide(found(judged, k), judged.relevant)


def recall_capped(judged: Judged, k: int | None) -> Float64:
    """Relevant documents among the first k over the most that could be there."""
    return divide(found(judged, k), _capped(judged, k))


def success(judged: Judged, k: int | None) -> Float64:
    """1 when a relevant document is among the first k."""
    return (found(judged, k) > 0).astype(np.float64)


def accuracy(judged: Judged, _: int | None) -> Float64:
    """1 when the first document is relevant."""
    return success(judged, 1)


def precision(judged: Judged, k: int | None) -> Float64:
    """Share of the first k that is relevant, however many were retrieved."""
    return found(judged, k) / float(k or 1)


def average_precision(judged: Judged, k: int | None) -> Float64:
    """Sum of the precision at each relevant document among the first k over all relevant documents."""
    return divide(_precision_sum(judged, k), judged.relevant)


def average_precision_capped(judged: Judged, k: int | None) -> Float64:
    """As `average_precision`, over at most k relevant documents."""
    return divide(_precision_sum(judged, k), _capped(judged, k))


def evaluate(judged: Judged, measure: Measure) -> Float64:
    """The value of a rank measure for every judged query, in the order of `judged.queries`.

    Raises `UsageError` for a measure that is none.
    """
    if not measure.by_rank:
        listed = ", ".join(definition.form for definition in DEFINITIONS if definition.by_rank)
        raise UsageError(f"{measure} is not computed from ranks alone", remedy=f"choose among {listed}")
    function: RankMeasure = measure.definition.load()
    return function(prepared(judged, measure), measure.cutoff, **parameters(measure))


def prepared(judged: Judged, measure: Measure) -> Judged:
    """The run as `measure` looks at it: with its least relevant grade, without unjudged documents where it says so."""
    if measure.parameter("judged_only", False):
        judged = judged.condensed()
    level = measure.parameter("rel", 1)
    return judged.at(level) if isinstance(level, int) and level > 1 else judged


def parameters(measure: Measure) -> dict[str, Value]:
    """What the measure's function is given by name."""
    names = dict.fromkeys([*measure.definition.parameters, *dict(measure.parameters)])
    return {name: measure.parameter(name) for name in names if name not in _OF_THE_VIEW}
