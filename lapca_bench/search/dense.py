"""`DenseSystem`: an encoder, its stored vectors, and exact search. `MarginSystem`: the same, scored by ratio margin."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.run import Int64, Run
from lapca_bench.search.exact import Hits, pair_scores, top_k
from lapca_bench.search.executor import Executor
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.vectors import StoredCorpus, Tally, VectorStore
from lapca_bench.types import Document, Query


class DenseSystem:
    """Ranks documents by the dot product of their vector with the query's, exactly."""

    def __init__(
        self, encoder: Encoder, store: VectorStore, executor: Executor | None = None, name: str | None = None
    ) -> None:
        self.encoder = encoder
        self.store = store
        self._executor = executor
        self.name = name or encoder.identity.name

    @property
    def identity(self) -> SystemIdentity:
        """The encoder's identity and how its vectors are stored."""
        encoder = self.encoder.identity
        return SystemIdentity(
            "dense",
            {
                "encoder": dict(encoder.settings),
                "versions": dict(encoder.versions),
                "similarity": self.encoder.similarity,
                "storage": self.store.dtype,
                "search": "exact, float32 candidates rescored in float64",
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; what the store lacks is encoded first."""
        corpus, vectors, notes = self._encoded(collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        hits = top_k(vectors, corpus.matrices(), k + drop, lambda: _id_ranks(corpus.ids))
        run = _run(self.name, queries, corpus.ids, hits, notes)
        run = without_self_matches(run).cut(k) if drop else run
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        return replace(run, notes=notes)

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first` with this system's scores, from the stored vectors of the whole collection."""
        corpus, vectors, notes = self._encoded(collection, queries)
        started = time.perf_counter()
        rows = first.query_rows()
        scores = pair_scores(vectors, corpus.matrices(), rows, corpus_rows(corpus.ids, first))
        notes["timings"]["rerank"] = round(time.perf_counter() - started, 3)
        return rescored(self.name, first, scores, notes)

    def _encoded(
        self, collection: Collection, queries: Sequence[Query]
    ) -> tuple[StoredCorpus, Vectors, dict[str, Any]]:
        asked = Tally()
        vectors = self.store.queries(self.encoder, queries, asked)
        first: list[Document] = []
        corpus = self.store.documents(self.encoder, _remembering(collection.documents(), first), self._executor)
        notes = {
            "timings": {
                "encode queries": round(asked.seconds, 3),
                "encode documents": round(corpus.tally.seconds, 3),
            },
            "encoded": asked.encoded + corpus.tally.encoded,
            "reused": asked.reused + corpus.tally.reused,
            "index_bytes": corpus.tally.size,
            "first_texts": self._first_texts(queries, first),
        }
        return corpus, vectors, notes

    def _first_texts(self, queries: Sequence[Query], documents: Sequence[Document]) -> dict[str, str]:
        """The first text of each side as the model saw it; encoders may say with `shown_query` and `shown_document`."""
        query = getattr(self.encoder, "shown_query", str)
        document = getattr(self.encoder, "shown_document", Document.content)
        shown = {}
        if queries:
            shown["query"] = query(queries[0].text)
        if documents:
            shown["document"] = document(documents[0])
        return shown


class MarginSystem:
    """Ranks by the ratio margin of Artetxe & Schwenk (2019, arXiv:1811.01136, eq. 3), for bitext mining and xSIM.

    `score(x, y) = cos(x, y) / (Σ cos(x, N_k(x)) / 2k + Σ cos(y, N_k(y)) / 2k)`, where N_k are the k nearest of the
    other side, or all of it where it is smaller. The documents of a query are its nearest by cosine, scored again.
    Where the denominator is zero, as for texts without any known token, the score is zero.
    """

    def __init__(self, dense: DenseSystem, neighbours: int = 4, name: str | None = None) -> None:
        self.dense = dense
        self.neighbours = neighbours
        self.name = name or f"{dense.name}+margin"

    @property
    def identity(self) -> SystemIdentity:
        """The dense system's identity and the number of neighbours."""
        return SystemIdentity("margin", {"dense": self.dense.identity.digest, "neighbours": self.neighbours})

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; every document's neighbours are looked for among *these* queries."""
        corpus, vectors, notes = self.dense._encoded(collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        matrices = corpus.matrices()
        hits = top_k(vectors, matrices, max(k + drop, self.neighbours), lambda: _id_ranks(corpus.ids))
        of_query = _mean_of_best(hits.queries, hits.scores, len(queries), self.neighbours)
        of_document = np.concatenate([np.empty(0), *(self._mean_of_nearest(matrix, vectors) for matrix in matrices)])
        both = (of_query[hits.queries] + of_document[hits.rows]) / 2
        margin = np.divide(hits.scores, both, out=np.zeros(len(both)), where=both != 0)
        run = _run(self.name, queries, corpus.ids, Hits(hits.queries, hits.rows, margin.astype(np.float32)), notes)
        run = without_self_matches(run).cut(k) if drop else run.cut(k)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        return replace(run, notes=notes)

    def _mean_of_nearest(self, documents: Any, vectors: Vectors) -> Any:
        """For each document the mean cosine of its nearest queries."""
        wide = np.asarray(documents, np.float32)
        back = top_k(wide, [vectors], self.neighbours, lambda: np.arange(len(vectors)))
        return _mean_of_best(back.queries, back.scores, len(wide), self.neighbours)


def without_self_matches(run: Run) -> Run:
    """The run without documents whose id equals their query's id."""
    queries = np.asarray(run.queries, dtype=object)
    rows = run.query_rows()
    keep = run.vocabulary[run.codes] != queries[rows] if len(run) else np.zeros(0, dtype=bool)
    return Run.from_columns(
        run.name, run.queries, rows[keep], list(run.vocabulary[run.codes[keep]]), run.scores[keep], run.notes
    )


def corpus_rows(ids: Any, run: Run) -> Int64:
    """For each result of `run` the place of its document among `ids`, the ids of a corpus."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = ids.combine_chunks() if len(ids) else pa.array([], type=pa.large_string())
    places = pc.index_in(pa.array(run.vocabulary.tolist(), type=pa.large_string()), value_set=known)
    rows: Int64 = places.to_numpy(zero_copy_only=False)[run.codes].astype(np.int64)
    return rows


def rescored(name: str, first: Run, scores: Any, notes: dict[str, Any]) -> Run:
    """The pairs of `first` under other scores."""
    documents = first.vocabulary[first.codes].tolist()
    return Run.from_columns(name, first.queries, first.query_rows(), documents, scores, notes)


def _mean_of_best(owners: Int64, scores: Any, count: int, k: int) -> Any:
    """For each of `count` owners the mean of its `k` highest scores (of all, where it has fewer)."""
    order = np.lexsort((-scores, owners))
    owners, scores = owners[order], scores[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    best = place < k
    sums = np.bincount(owners[best], weights=scores[best], minlength=count)
    return sums / np.maximum(np.bincount(owners[best], minlength=count), 1)


def _run(name: str, queries: Sequence[Query], ids: Any, hits: Hits, notes: dict[str, Any]) -> Run:
    import pyarrow as pa

    documents = ids.take(pa.array(hits.rows)).to_pylist() if len(hits.rows) else []
    return Run.from_columns(name, [query.id for query in queries], hits.queries, documents, hits.scores, notes)


def _id_ranks(ids: Any) -> Int64:
    """The rank of each id among all, ascending."""
    import pyarrow.compute as pc

    order: Int64 = pc.sort_indices(ids).to_numpy().astype(np.int64)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks


def _remembering(documents: Any, first: list[Document]) -> Any:
    """Pass documents on, keeping the first."""
    for document in documents:
        if not first:
            first.append(document)
        yield document
