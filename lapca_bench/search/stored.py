"""What the systems over a vector store have in common: encoding both sides, and runs from places in a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import AnyEncoder, CountsUsage, ShowsTexts
from lapca_bench.run import Float32, Int64, Run
from lapca_bench.search.exact.top_k import Hits
from lapca_bench.search.notes import Notes
from lapca_bench.store.executor import Executor
from lapca_bench.store.vectors import StoredCorpus, Tally, VectorStore
from lapca_bench.types import Document, Query

if TYPE_CHECKING:
    import pyarrow as pa


def encoded(
    store: VectorStore,
    encoder: AnyEncoder,
    executor: Executor | None,
    collection: Collection,
    queries: Sequence[Query],
) -> tuple[StoredCorpus, Any, Notes]:
    """The corpus and the queries as the store holds them, what it lacks encoded now, and the notes of what it cost."""
    asked = Tally()
    before = dict(encoder.usage) if isinstance(encoder, CountsUsage) else {}
    vectors = store.queries(encoder, queries, asked)
    first: list[Document] = []
    corpus = store.documents(encoder, _remembering(collection.documents(), first), executor)
    notes = {
        "timings": {
            "encode queries": round(asked.seconds, 3),
            "encode documents": round(corpus.tally.seconds, 3),
        },
        "encoded": asked.encoded + corpus.tally.encoded,
        "reused": asked.reused + corpus.tally.reused,
        "index_bytes": corpus.tally.size,
        "first_texts": _first_texts(encoder, queries, first),
    }
    if isinstance(encoder, CountsUsage):
        notes["usage"] = {unit: count - before.get(unit, 0) for unit, count in encoder.usage.items()}
    return corpus, vectors, notes


def _first_texts(encoder: AnyEncoder, queries: Sequence[Query], documents: Sequence[Document]) -> dict[str, str]:
    """The first text of each side as the model saw it, where the encoder shows its texts."""
    shows = encoder if isinstance(encoder, ShowsTexts) else None
    shown = {}
    if queries:
        shown["query"] = shows.shown_query(queries[0].text) if shows else queries[0].text
    if documents:
        shown["document"] = shows.shown_document(documents[0]) if shows else documents[0].content()
    return shown


def without_self_matches(run: Run) -> Run:
    """The run without documents whose id equals their query's id."""
    queries = np.asarray(run.queries, dtype=object)
    rows = run.query_rows()
    keep = run.vocabulary[run.codes] != queries[rows] if len(run) else np.zeros(0, dtype=bool)
    return Run.from_columns(
        run.name, run.queries, rows[keep], list(run.vocabulary[run.codes[keep]]), run.scores[keep], run.notes
    )


def corpus_rows(ids: pa.ChunkedArray, run: Run) -> Int64:
    """For each result of `run` the place of its document among `ids`, the ids of a corpus."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = ids.combine_chunks() if len(ids) else pa.array([], type=pa.large_string())
    places = pc.index_in(pa.array(run.vocabulary.tolist(), type=pa.large_string()), value_set=known)
    rows: Int64 = places.to_numpy(zero_copy_only=False)[run.codes].astype(np.int64)
    return rows


def rescored(name: str, first: Run, scores: Float32, notes: Notes) -> Run:
    """The pairs of `first` under other scores."""
    documents = first.vocabulary[first.codes].tolist()
    return Run.from_columns(name, first.queries, first.query_rows(), documents, scores, notes)


def run_of(name: str, queries: Sequence[Query], ids: pa.ChunkedArray, hits: Hits, notes: Notes) -> Run:
    """The run of hits whose rows are places among `ids`."""
    import pyarrow as pa

    documents = ids.take(pa.array(hits.rows)).to_pylist() if len(hits.rows) else []
    return Run.from_columns(name, [query.id for query in queries], hits.queries, documents, hits.scores, notes)


def id_ranks(ids: pa.ChunkedArray) -> Int64:
    """The rank of each id among all, ascending."""
    import pyarrow.compute as pc

    order: Int64 = pc.sort_indices(ids).to_numpy().astype(np.int64)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks


def _remembering(documents: Iterable[Document], first: list[Document]) -> Iterator[Document]:
    """Pass documents on, keeping the first."""
    for document in documents:
        if not first:
            first.append(document)
        yield document
