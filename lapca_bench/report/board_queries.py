"""Per-query scores and first documents of the systems on one collection, as the data of its side-by-side page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lapca_bench.report.board_data import provenance_key
from lapca_bench.report.writers import visible
from lapca_bench.run import Qrels, Relevance
from lapca_bench.store.results import StoredResult

MOST_QUERIES = 3000
TOP = 5


def side_by_side(
    results: Sequence[StoredResult], texts: Mapping[str, str] | None = None, relevance: Relevance | None = None
) -> dict[str, Any]:
    """Queries that every system was scored on, their scores by measure, and the first documents of each system.

    At most `MOST_QUERIES`, evenly taken. `texts` and `relevance` are added where the collection was at hand and asked
    for. Values are rounded to four decimals.
    """
    frames = [result.scores for result in results]
    measures = [
        m for m in dict.fromkeys(frames[0]["measure"]) if all((frame["measure"] == m).any() for frame in frames)
    ]
    shared = set.intersection(*(set(frame["query"]) for frame in frames))
    queries = sorted(shared)
    step = math.ceil(len(queries) / MOST_QUERIES) if queries else 1
    queries = queries[::step]
    language = frames[0].drop_duplicates("query").set_index("query")["language"]
    documents: dict[str, int] = {}
    systems = [
        {
            "key": provenance_key(result),
            "name": visible(result.system),
            "scores": {measure: _values(frame, measure, queries) for measure in measures},
            "top": [
                [documents.setdefault(visible(d), len(documents)) for d, _ in result.run.ranking(query)[:TOP]]
                for query in queries
            ],
        }
        for result, frame in zip(results, frames, strict=True)
    ]
    data: dict[str, Any] = {
        "measures": measures,
        "queries": [visible(query) for query in queries],
        "languages": [str(language[query]) for query in queries],
        "documents": list(documents),
        "systems": systems,
        "left_out": len(shared) - len(queries),
    }
    if texts is not None:
        data["texts"] = [visible(texts.get(query, "")) for query in queries]
    if isinstance(relevance, Qrels):
        data["relevant"] = [
            [documents[visible(d)] for d in relevance.relevant(query) if visible(d) in documents] for query in queries
        ]
    return data


def _values(frame: Any, measure: str, queries: Sequence[str]) -> list[float | None]:
    values = frame[frame["measure"] == measure].drop_duplicates("query").set_index("query")["value"].reindex(queries)
    return [None if math.isnan(value) else round(float(value), 4) for value in values]
