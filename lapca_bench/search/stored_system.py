"""`StoredSystem`: what dense, sparse and late-interaction systems are: an encoder, a store of its output, a search.

A kind of its own says how corpus and queries become hits (`_hits`) and how single pairs are scored (`_pair_scores`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import AnyEncoder
from lapca_bench.run import Float32, Int64, Run
from lapca_bench.search.exact.top_k import Hits
from lapca_bench.search.notes import Notes
from lapca_bench.search.stored import corpus_rows, encoded, rescored, run_of, without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.executor import Executor, LocalExecutor
from lapca_bench.store.vectors import StoredCorpus, VectorStore
from lapca_bench.types import Query

E = TypeVar("E", bound=AnyEncoder)
Asked = TypeVar("Asked")  # what the encoder makes of the queries of a call


class StoredSystem(ABC, Generic[E, Asked]):
    """Ranks by what `encoder` makes of texts; `store` has the form in which that is kept."""

    kind: ClassVar[str]
    method: ClassVar[str]  # of the search, as the identity names it

    def __init__(
        self, encoder: E, store: VectorStore, executor: Executor | None = None, name: str | None = None
    ) -> None:
        self.encoder = encoder
        self.store = store
        self.executor = executor or LocalExecutor()
        self.name = name or encoder.identity.name

    @property
    def identity(self) -> SystemIdentity:
        """The encoder's identity, how its output is stored, and how it is searched."""
        encoder = self.encoder.identity
        return SystemIdentity(
            self.kind,
            {
                "encoder": dict(encoder.settings),
                "versions": dict(encoder.versions),
                "storage": self.store.form.dtype,
                "search": self.method,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; what the store lacks is encoded first."""
        corpus, asked, notes = self.encoded(collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        run = run_of(self.name, queries, corpus.ids, self._hits(corpus, asked, k + drop), notes)
        run = without_self_matches(run).cut(k) if drop else run
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        return replace(run, notes=notes | self._sizes(corpus, asked))

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first` with this system's scores, from what is stored of the whole collection."""
        corpus, asked, notes = self.encoded(collection, queries)
        started = time.perf_counter()
        scores = self._pair_scores(corpus, asked, first.query_rows(), corpus_rows(corpus.ids, first))
        notes["timings"]["rerank"] = round(time.perf_counter() - started, 3)
        return rescored(self.name, first, scores, notes)

    def encoded(self, collection: Collection, queries: Sequence[Query]) -> tuple[StoredCorpus, Asked, Notes]:
        """The corpus and the queries as the store holds them, and the notes of what that cost."""
        return encoded(self.store, self.encoder, self.executor, collection, queries)

    @abstractmethod
    def _hits(self, corpus: StoredCorpus, asked: Asked, k: int) -> Hits:
        """The `k` best documents of each query."""

    @abstractmethod
    def _pair_scores(self, corpus: StoredCorpus, asked: Asked, query_of: Int64, rows: Int64) -> Float32:
        """float32 score of each pair (query `query_of[i]`, document `rows[i]` of the corpus)."""

    def _sizes(self, corpus: StoredCorpus, asked: Asked) -> Notes:
        """Notes on how large texts became, where that is not the same for all."""
        del corpus, asked
        return {}
