"""What trec_eval measures besides ranks: by judged documents, by recall, of the retrieved set, and counts.

Each function takes a joined run and a cut-off that it may not look at, and gives one value per judged query; the tests
hold them equal to trec_eval's (through pytrec_eval) to 1e-9, with graded, negative and missing judgements.
"""

from __future__ import annotations

import numpy as np

from lapca_bench.run import Int64
from lapca_bench.scoring.judged import Judged
from lapca_bench.scoring.ranking import Float64, divide, found, per_query, recall, within

_SMALL = 1e-5  # trec_eval's INFAP_EPSILON


def _before(judged: Judged, counted: Int64) -> Int64:
    """For each row the sum of `counted` over the rows ahead of it under the same query."""
    total = np.concatenate([[0], np.cumsum(counted)])
    return np.asarray(total[:-1] - total[judged.offsets[judged.query_of]], dtype=np.int64)


def _retrieved(judged: Judged) -> Float64:
    return np.diff(judged.offsets).astype(np.float64)


def _nonrelevant(judged: Judged) -> Int64:
    """1 for each row whose document was judged and is not relevant."""
    return np.asarray(judged.judged & (judged.grades == 0), dtype=np.int64)


def _of_relevant(judged: Judged, share: float) -> Int64:
    """The share of each query's relevant documents as a number of documents, as trec_eval rounds it."""
    return np.asarray(np.floor(share * judged.relevant + 0.9), dtype=np.int64)


def r_precision(judged: Judged, _: int | None) -> Float64:
    """Precision at as many documents as are relevant."""
    return precision_at_multiple(judged, None, share=1.0)


def precision_at_multiple(judged: Judged, _: int | None, *, share: float) -> Float64:
    """Precision at `share` times as many documents as are relevant."""
    cut = _of_relevant(judged, share)
    hits = (judged.grades > 0).astype(np.float64)
    return divide(per_query(judged, hits, judged.rank <= cut[judged.query_of]), cut)


def binary_preference(judged: Judged, _: int | None) -> Float64:
    """Share of preferences for relevant over judged non-relevant documents that the order keeps."""
    ahead = np.minimum(_before(judged, _nonrelevant(judged)), judged.relevant[judged.query_of])
    limit = np.minimum(judged.assessed - judged.relevant, judged.relevant)[judged.query_of]
    kept = 1.0 - np.where(ahead > 0, ahead / np.maximum(limit, 1), 0.0)
    return divide(per_query(judged, kept, judged.grades > 0), judged.relevant)


def inferred_average_precision(judged: Judged, _: int | None) -> Float64:
    """AP expected from a judged sample of the pool."""
    relevant = _before(judged, (judged.grades > 0).astype(np.int64))
    seen = relevant + _before(judged, _nonrelevant(judged))
    pooled = _before(judged, judged.judged.astype(np.int64))
    expected = (relevant + _SMALL) / (seen + 2 * _SMALL)
    return divide(per_query(judged, (1.0 + pooled * expected) / judged.rank, judged.grades > 0), judged.relevant)


def interpolated_precision(judged: Judged, _: int | None, *, share: float) -> Float64:
    """Highest precision from where `share` of the relevant documents is found."""
    seen = _before(judged, (judged.grades > 0).astype(np.int64)) + 1
    counts = (judged.grades > 0) & (seen >= _of_relevant(judged, share)[judged.query_of])
    best = np.zeros(len(judged), dtype=np.float64)
    np.maximum.at(best, judged.query_of[counts], (seen / judged.rank)[counts])
    return best


def interpolated_precision_mean(judged: Judged, _: int | None) -> Float64:
    """Mean of the interpolated precision at eleven shares."""
    shares = [interpolated_precision(judged, None, share=tenths / 10) for tenths in range(11)]
    return np.asarray(np.mean(shares, axis=0), dtype=np.float64)


def set_precision(judged: Judged, _: int | None) -> Float64:
    """Share of what was retrieved that is relevant."""
    return divide(found(judged, None), _retrieved(judged))


def set_relative_precision(judged: Judged, _: int | None) -> Float64:
    """Precision of the set over the highest that a set of its size can have."""
    return divide(found(judged, None), np.minimum(_retrieved(judged), judged.relevant))


def set_recall(judged: Judged, _: int | None) -> Float64:
    """Share of the relevant documents that was retrieved."""
    return recall(judged, None)


def set_f(judged: Judged, _: int | None, *, beta: float) -> Float64:
    """Weighted harmonic mean of precision and recall of the set."""
    precision, recalled = set_precision(judged, None), set_recall(judged, None)
    return divide((1.0 + beta) * precision * recalled, beta * precision + recalled)


def set_average_precision(judged: Judged, _: int | None) -> Float64:
    """Precision times recall of the set."""
    return set_precision(judged, None) * set_recall(judged, None)


def utility(judged: Judged, _: int | None) -> Float64:
    """Relevant documents retrieved less the others."""
    return 2.0 * found(judged, None) - _retrieved(judged)


def judged_share(judged: Judged, k: int | None) -> Float64:
    """Share of the first k that has a judgement."""
    places = np.minimum(_retrieved(judged), np.inf if k is None else k)
    return divide(per_query(judged, judged.judged.astype(np.float64), within(judged, k)), places)


def number_of_queries(judged: Judged, _: int | None) -> Float64:
    """1 for each query."""
    return np.ones(len(judged), dtype=np.float64)


def number_retrieved(judged: Judged, _: int | None) -> Float64:
    """Documents retrieved."""
    return _retrieved(judged)


def number_relevant(judged: Judged, _: int | None) -> Float64:
    """Relevant documents."""
    return judged.relevant.astype(np.float64)


def number_relevant_retrieved(judged: Judged, _: int | None) -> Float64:
    """Relevant documents retrieved."""
    return found(judged, None)


def number_nonrelevant_retrieved(judged: Judged, _: int | None) -> Float64:
    """Judged documents retrieved that are not relevant."""
    return per_query(judged, _nonrelevant(judged).astype(np.float64), within(judged, None))


def complete(judged: Judged, k: int | None) -> Float64:
    """1 where all relevant documents are among the first k."""
    return np.asarray((found(judged, k) == judged.relevant) & (judged.relevant > 0), dtype=np.float64)


def worst_rank(judged: Judged, _: int | None) -> Float64:
    """The worst rank of a relevant document; one that was not retrieved stands right behind the last that was."""
    behind = (np.diff(judged.offsets) + 1)[judged.ideal_query_of]
    worst = np.zeros(len(judged), dtype=np.float64)
    np.maximum.at(worst, judged.ideal_query_of, np.where(judged.found_rank > 0, judged.found_rank, behind))
    return worst
