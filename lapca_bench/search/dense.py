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
from lapca_bench.search.executor import Executor, LocalExecutor
from lapca_bench.search.parts import search_corpus
from lapca_bench.search.stored import corpus_rows, encoded, rescored, run_of, without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.vectors import StoredCorpus, VectorStore
from lapca_bench.types import Query


class DenseSystem:
    """Ranks documents by the dot product of their vector with the query's, exactly."""

    def __init__(
        self, encoder: Encoder, store: VectorStore, executor: Executor | None = None, name: str | None = None
    ) -> None:
        self.encoder = encoder
        self.store = store
        self.executor = executor or LocalExecutor()
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
                "storage": self.store.form.dtype,
                "search": "exact, float32 candidates rescored in float64",
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; what the store lacks is encoded first."""
        corpus, vectors, notes = self._encoded(collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        hits = search_corpus(vectors, corpus, k + drop, self.executor)
        run = run_of(self.name, queries, corpus.ids, hits, notes)
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
        corpus, vectors, notes = encoded(self.store, self.encoder, self.executor, collection, queries)
        return corpus, vectors, notes


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
        hits = search_corpus(vectors, corpus, max(k + drop, self.neighbours), self.dense.executor)
        of_query = _mean_of_best(hits.queries, hits.scores, len(queries), self.neighbours)
        of_document = np.concatenate([np.empty(0), *(self._mean_of_nearest(matrix, vectors) for matrix in matrices)])
        both = (of_query[hits.queries] + of_document[hits.rows]) / 2
        margin = np.divide(hits.scores, both, out=np.zeros(len(both)), where=both != 0)
        run = run_of(self.name, queries, corpus.ids, Hits(hits.queries, hits.rows, margin.astype(np.float32)), notes)
        run = without_self_matches(run).cut(k) if drop else run.cut(k)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        return replace(run, notes=notes)

    def _mean_of_nearest(self, documents: Any, vectors: Vectors) -> Any:
        """For each document the mean cosine of its nearest queries."""
        wide = np.asarray(documents, np.float32)
        back = top_k(wide, [vectors], self.neighbours, lambda: np.arange(len(vectors)))
        return _mean_of_best(back.queries, back.scores, len(wide), self.neighbours)


def _mean_of_best(owners: Int64, scores: Any, count: int, k: int) -> Any:
    """For each of `count` owners the mean of its `k` highest scores (of all, where it has fewer)."""
    order = np.lexsort((-scores, owners))
    owners, scores = owners[order], scores[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    best = place < k
    sums = np.bincount(owners[best], weights=scores[best], minlength=count)
    return sums / np.maximum(np.bincount(owners[best], minlength=count), 1)
