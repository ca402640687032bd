"""Language preference in a mixed pool: whether the document in the query's language comes first, and meaning with it.

The counterpart of fairness (`bias`): a system may treat languages alike or put the query's own first, and both are
goals. LPR, Lang-nDCG and the split of first documents follow Jang et al. (arXiv 2605.07249). Their text could be read
in its abstract alone, so what is assumed stands here: `lang_ndcg` adds 1 to the grade of a relevant document in the
query's language; `lpr` leaves out queries without relevant documents both in their language and in others; what was not
retrieved stands behind all that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lapca_bench.run import Int64
from lapca_bench.scoring import ranking
from lapca_bench.scoring.judged import Judged, Languages
from lapca_bench.scoring.ranking import Float64


@dataclass(frozen=True)
class FirstDocuments:
    """Shares of queries by their first document: relevant or not, in the query's language or another; or none."""

    relevant_same: float
    relevant_other: float
    irrelevant_same: float
    irrelevant_other: float
    nothing: float


def first_documents(joined: Judged, languages: Languages) -> FirstDocuments:
    """The split of the queries of `joined` by what stands first."""
    answered = np.flatnonzero(np.diff(joined.offsets) > 0)
    rows = joined.offsets[answered]
    relevant, same = joined.grades[rows] > 0, _own(languages, joined.documents[rows], answered)

    def share(of: npt.NDArray[np.bool_]) -> float:
        return float(np.count_nonzero(of)) / len(joined)

    return FirstDocuments(
        share(relevant & same),
        share(relevant & ~same),
        share(~relevant & same),
        share(~relevant & ~same),
        1.0 - len(answered) / len(joined),
    )


def lpr(joined: Judged, languages: Languages, k: int) -> dict[str, float]:
    """1 where a relevant document in the query's language stands ahead of all relevant ones in other languages.

    Over the queries that have both kinds; one whose document in its own language is not among the first `k` has 0.
    """
    behind = float("inf")
    rank = np.where((joined.found_rank > 0) & (joined.found_rank <= k), joined.found_rank, behind)
    own = _own(languages, joined.ideal_documents, joined.ideal_query_of)
    best = {side: _least(joined, np.where(own == side, rank, behind)) for side in (True, False)}
    counts = {side: np.bincount(joined.ideal_query_of[own == side], minlength=len(joined)) for side in (True, False)}
    return {
        joined.queries[row]: float(best[True][row] < best[False][row])
        for row in np.flatnonzero((counts[True] > 0) & (counts[False] > 0))
    }


def lang_ndcg(joined: Judged, languages: Languages, k: int) -> dict[str, float]:
    """NDCG in which a relevant document in the query's language has a grade one higher than it was judged.

    Over the queries with a relevant document.
    """
    own_rows = _own(languages, joined.documents, joined.query_of) & (joined.grades > 0)
    ideal = joined.ideal + _own(languages, joined.ideal_documents, joined.ideal_query_of)
    order = np.lexsort((-ideal, joined.ideal_query_of))
    raised = replace(
        joined, grades=joined.grades + own_rows, ideal=ideal[order], ideal_documents=joined.ideal_documents[order]
    )
    values = ranking.ndcg(raised, k)
    return {joined.queries[row]: float(values[row]) for row in np.flatnonzero(joined.relevant > 0)}


def _own(languages: Languages, documents: Int64, queries: Int64) -> npt.NDArray[np.bool_]:
    """Which documents (codes) are in the language of the query (position) beside them."""
    code = {name: number for number, name in enumerate(languages.names)}
    of_query = np.asarray([code.get(language, -1) for language in languages.queries], dtype=np.int64)
    return np.asarray(languages.of[documents] == of_query[queries], dtype=np.bool_)


def _least(joined: Judged, values: Float64) -> Float64:
    """The least of the values of each query's relevant documents."""
    least = np.full(len(joined), np.inf)
    np.minimum.at(least, joined.ideal_query_of, values)
    return least


def mean_of(values: Mapping[str, float]) -> float | None:
    """The mean, or None where no query has a value."""
    return float(np.mean(list(values.values()))) if values else None
