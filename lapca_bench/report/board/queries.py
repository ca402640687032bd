"""Per-query scores and first documents of the systems on one collection, as the data of its query-by-query view."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NotRequired, TypedDict

from lapca_bench.report.board.site import slug
from lapca_bench.run import Qrels, Relevance
from lapca_bench.scoring.observations import observations_of, translations
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible

if TYPE_CHECKING:
    import pandas as pd

MOST_QUERIES = 3000
MOST_VALUES = 150_000  # systems × queries, so that a page of hundreds of systems still loads
TOP = 5
SNIPPET = 160  # characters of a document


@dataclass(frozen=True)
class Texts:
    """What a collection says, where it was at hand and asked for: question and document texts by id, judgements."""

    questions: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    relevance: Relevance | None = None


def selection_key(result: StoredResult) -> str:
    """How the address of a query-by-query view names a result: alike on all collections of a board."""
    return slug(f"{result.system} {result.split}")


class SystemQueries(TypedDict):
    """One system on the queries of a page: scores by measure, and its first documents by their place on the page."""

    key: str
    name: str
    scores: dict[str, list[float | None]]
    top: list[list[int]]


class QueriesPage(TypedDict):
    """What a query-by-query view shows; lists run over `queries`, or over `documents`, which `top` counts."""

    measures: list[str]
    queries: list[str]
    languages: list[str]
    observations: list[int]
    documents: list[str]
    systems: list[SystemQueries]
    left_out: int
    texts: NotRequired[list[str]]
    snippets: NotRequired[list[str]]
    relevant: NotRequired[list[list[int]]]


def side_by_side(results: Sequence[StoredResult], texts: Texts | None = None) -> QueriesPage:
    """Every query that a system was scored on, its scores by system and measure, and the first documents of each.

    Queries with the same number in "observations" are translations of one another, which make one observation. A query
    that a system was not scored on is null there. At most `MOST_QUERIES`, evenly taken. `texts` are added
    where given. Values are rounded to four decimals.
    """
    frames = [result.scores for result in results]
    measures = list(dict.fromkeys(measure for frame in frames for measure in frame["measure"].unique()))
    splits = len({result.split for result in results})
    language: dict[str, str] = {}
    observation: dict[str, str] = {}
    for result, frame in zip(results, frames, strict=True):
        first = frame.drop_duplicates("query")
        language.update(zip(first["query"], first["language"], strict=True))
        stated = translations(result.collection, result.provenance.policy.translations)
        names = observations_of(list(first["query"]), stated, result.collection)
        observation.update(zip(first["query"], names, strict=True))
    every = sorted(language)
    step = max(1, math.ceil(len(every) / min(MOST_QUERIES, max(1, MOST_VALUES // max(1, len(results))))))
    queries = every[::step]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(observation[query] for query in queries))}
    documents: dict[str, int] = {}
    systems: list[SystemQueries] = [
        {
            "key": selection_key(result),
            "name": visible(result.system) + (f" ({result.split})" if splits > 1 else ""),
            "scores": _scores(frame, measures, queries),
            "top": [[documents.setdefault(d, len(documents)) for d in first] for first in _firsts(result, queries)],
        }
        for result, frame in zip(results, frames, strict=True)
    ]
    data: QueriesPage = {
        "measures": measures,
        "queries": [visible(query) for query in queries],
        "languages": [str(language[query]) for query in queries],
        "observations": [numbers[observation[query]] for query in queries],
        "documents": [visible(document) for document in documents],
        "systems": systems,
        "left_out": len(every) - len(queries),
    }
    if texts is not None:
        _add_texts(data, texts, queries, documents)
    return data


def _add_texts(data: QueriesPage, texts: Texts, queries: Sequence[str], documents: Mapping[str, int]) -> None:
    """Texts of the queries and documents on the page, and which of the documents are relevant."""
    data["texts"] = [visible(texts.questions.get(query, "")) for query in queries]
    data["snippets"] = [visible(texts.documents.get(document, "")[:SNIPPET]) for document in documents]
    if isinstance(texts.relevance, Qrels):
        relevance = texts.relevance
        data["relevant"] = [[documents[d] for d in relevance.relevant(query) if d in documents] for query in queries]


def first_documents(results: Sequence[StoredResult]) -> set[str]:
    """Ids of the documents that some result ranks among its first."""
    return {document for result in results for first in _firsts(result, result.run.queries) for document in first}


def _firsts(result: StoredResult, queries: Sequence[str]) -> list[list[str]]:
    """The first documents of each query."""
    return [[document for document, _ in result.run.ranking(query)[:TOP]] for query in queries]


def _scores(frame: pd.DataFrame, measures: Sequence[str], queries: Sequence[str]) -> dict[str, list[float | None]]:
    """The values of the queries by measure."""
    shown = frame.drop_duplicates(["query", "measure"])
    found: dict[str, list[float | None]] = {}
    for measure in measures:
        values = shown[shown["measure"] == measure].set_index("query")["value"].reindex(list(queries))
        found[measure] = [None if math.isnan(value) else round(value, 4) for value in values.tolist()]
    return found
