"""`LateInteractionSystem`: a multi-vector encoder, its stored token vectors, and exact MaxSim."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.late_interaction import MultiVectorEncoder
from lapca_bench.run import Run
from lapca_bench.search.executor import Executor
from lapca_bench.search.maxsim import pair_scores, top_k
from lapca_bench.search.stored import corpus_rows, encoded, id_ranks, rescored, run_of, without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Query


class LateInteractionSystem:
    """Ranks documents by MaxSim between the query's vectors and theirs; `store` has the form `TokenVectors`."""

    def __init__(
        self, encoder: MultiVectorEncoder, store: VectorStore, executor: Executor | None = None, name: str | None = None
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
            "late-interaction",
            {
                "encoder": dict(encoder.settings),
                "versions": dict(encoder.versions),
                "storage": self.store.form.dtype,
                "search": "MaxSim, exact, float32 candidates rescored in float64",
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; what the store lacks is encoded first."""
        corpus, asked, notes = encoded(self.store, self.encoder, self._executor, collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        hits = top_k(asked, corpus.ragged(), self.encoder.dimension, k + drop, id_ranks(corpus.ids))
        run = run_of(self.name, queries, corpus.ids, hits, notes)
        run = (without_self_matches(run) if drop else run).cut(k)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        vectors = sum(int(lengths.sum()) for _, lengths in corpus.ragged())
        notes["vectors_per_document"] = round(vectors / max(len(corpus), 1), 1)
        return replace(run, notes=notes)

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first` with this system's scores, from the stored vectors of the whole collection.

        A pair of which one side has no vector scores 0.
        """
        corpus, asked, notes = encoded(self.store, self.encoder, self._executor, collection, queries)
        started = time.perf_counter()
        rows = corpus_rows(corpus.ids, first)
        scores = pair_scores(asked, corpus.ragged(), self.encoder.dimension, first.query_rows(), np.asarray(rows))
        notes["timings"]["rerank"] = round(time.perf_counter() - started, 3)
        return rescored(self.name, first, scores, notes)
