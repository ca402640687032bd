"""`SparseSystem`: a learned sparse encoder and an inverted index over its stored rows.

The index of a shard is its rows by term: a product of sparse matrices visits, for each term of a query, the documents
that hold the term, and no others. Sums are taken in float64 and rounded to float32, so that they do not depend on how
the corpus is cut. A document that shares no term with the query is not found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.sparse import SparseEncoder
from lapca_bench.run import Run
from lapca_bench.search.best import Best
from lapca_bench.search.executor import Executor
from lapca_bench.search.stored import corpus_rows, encoded, id_ranks, rescored, run_of, without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.forms import sparse_rows
from lapca_bench.store.vectors import StoredCorpus, VectorStore
from lapca_bench.types import Query

QUERIES = 1_024  # scored at a time against one shard


class SparseSystem:
    """Ranks documents by the dot product of their term weights with the query's; `store` has the form `Sparse`."""

    def __init__(
        self, encoder: SparseEncoder, store: VectorStore, executor: Executor | None = None, name: str | None = None
    ) -> None:
        self.encoder = encoder
        self.store = store
        self._executor = executor
        self.name = name or encoder.identity.name

    @property
    def identity(self) -> SystemIdentity:
        """The encoder's identity and how its weights are stored."""
        encoder = self.encoder.identity
        return SystemIdentity(
            "sparse",
            {
                "encoder": dict(encoder.settings),
                "versions": dict(encoder.versions),
                "storage": self.store.form.dtype,
                "search": "inverted index, exact",
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; what the store lacks is encoded first."""
        corpus, asked, notes = encoded(self.store, self.encoder, self._executor, collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        best = Best(len(queries), k + drop, id_ranks(corpus.ids))
        terms = 0
        for first, documents in self._shards(corpus):
            terms += documents.nnz
            index = documents.T.tocsr()
            for start in range(0, len(queries), QUERIES):
                found = (asked[start : start + QUERIES] @ index).tocoo()
                positive = found.data > 0
                row, column = found.coords
                scores = found.data[positive].astype(np.float32)
                best.add(row[positive].astype(np.int64) + start, column[positive].astype(np.int64) + first, scores)
        run = run_of(self.name, queries, corpus.ids, best.hits(), notes)
        run = (without_self_matches(run) if drop else run).cut(k)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        notes["terms_per_document"] = round(terms / max(len(corpus), 1), 1)
        notes["terms_per_query"] = round(asked.nnz / max(len(queries), 1), 1)
        return Run(run.name, run.queries, run.offsets, run.codes, run.scores, run.vocabulary, notes)

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first` with this system's scores, from the stored rows of the whole collection."""
        corpus, asked, notes = encoded(self.store, self.encoder, self._executor, collection, queries)
        started = time.perf_counter()
        query_of, rows = first.query_rows(), corpus_rows(corpus.ids, first)
        scores = np.zeros(len(rows), dtype=np.float32)
        for start, documents in self._shards(corpus):
            here = np.flatnonzero((rows >= start) & (rows < start + documents.shape[0]))
            pairs = asked[query_of[here]].multiply(documents[rows[here] - start])
            scores[here] = np.asarray(pairs.sum(axis=1)).ravel().astype(np.float32)
        notes["timings"]["rerank"] = round(time.perf_counter() - started, 3)
        return rescored(self.name, first, scores, notes)

    def _shards(self, corpus: StoredCorpus) -> Any:
        """(first row, CSR array) of each shard."""
        first = 0
        for entries, lengths in corpus.ragged():
            yield first, sparse_rows(entries, lengths, self.encoder.terms)
            first += len(lengths)
