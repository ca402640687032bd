"""`DenseSystem`: an encoder, its stored vectors, and exact search. `MarginSystem`: the same, scored by ratio margin."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lapca_bench.collections.base import Collection
from lapca_bench.encoders import build
from lapca_bench.encoders.kinds import EncoderSettings
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.errors import UsageError
from lapca_bench.margin import ratio_margin
from lapca_bench.run import Float32, Int64, Run
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.exact.top_k import Hits, pair_scores, top_k
from lapca_bench.search.parts import search_corpus
from lapca_bench.search.stored import run_of, without_self_matches
from lapca_bench.search.stored_system import StoredSystem
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.shard import Stored
from lapca_bench.store.vectors import StoredCorpus
from lapca_bench.types import Query

Float64 = npt.NDArray[np.float64]


class DenseSystem(StoredSystem[Encoder, Vectors]):
    """Ranks documents by the dot product of their vector with the query's, exactly."""

    kind = "dense"
    method = "exact, float32 candidates rescored in float64"

    @property
    def identity(self) -> SystemIdentity:
        """As of every stored system, and the similarity that vectors were made for."""
        identity = super().identity
        return replace(identity, settings={**identity.settings, "similarity": self.encoder.similarity})

    def _hits(self, corpus: StoredCorpus, asked: Vectors, k: int) -> Hits:
        return search_corpus(asked, corpus, k, self.executor)

    def _pair_scores(self, corpus: StoredCorpus, asked: Vectors, query_of: Int64, rows: Int64) -> Float32:
        return pair_scores(asked, corpus.matrices(), query_of, rows)


class DenseCard(SystemCard):
    """A system that is an encoder of one vector per text."""

    kind: Literal["dense"]
    encoder: EncoderSettings

    def make(self, making: Making) -> DenseSystem:
        """The system over the workspace's store of vectors."""
        workspace = making.workspace
        return DenseSystem(build(self.encoder, self.name), workspace.vectors, workspace.executor)


def dense_part(making: Making, name: str, key: str) -> DenseSystem:
    """The dense system that a card names under `key`; raises `UsageError` where it is of another kind."""
    system = making.part(name)
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{name} is no dense system", key=key, remedy="name a dense one")
    return system


class MarginSettings(SystemSettings):
    """Table `[margin]`: the name of a dense system, and the neighbours of the ratio margin."""

    system: str
    neighbours: int = Field(default=4, ge=1)

    @property
    def parts(self) -> tuple[str, ...]:
        """The dense system."""
        return (self.system,)


class MarginCard(SystemCard):
    """A dense system scored by ratio margin."""

    kind: Literal["margin"]
    margin: MarginSettings

    def make(self, making: Making) -> MarginSystem:
        """The system over the dense one."""
        dense = dense_part(making, self.margin.system, "margin.system")
        return MarginSystem(dense, self.margin.neighbours, self.name)


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
    def parts(self) -> tuple[DenseSystem, ...]:
        """The systems that it is made of."""
        return (self.dense,)

    @property
    def identity(self) -> SystemIdentity:
        """The dense system's identity and the number of neighbours."""
        return SystemIdentity("margin", {"dense": self.dense.identity.digest, "neighbours": self.neighbours})

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; every document's neighbours are looked for among *these* queries."""
        corpus, vectors, notes = self.dense.encoded(collection, queries)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        matrices = corpus.matrices()
        hits = search_corpus(vectors, corpus, max(k + drop, self.neighbours), self.dense.executor)
        of_query = _mean_of_best(hits.queries, hits.scores, len(queries), self.neighbours)
        of_document = np.concatenate([np.empty(0), *(self._mean_of_nearest(matrix, vectors) for matrix in matrices)])
        margin = ratio_margin(hits.scores, of_query[hits.queries], of_document[hits.rows])
        run = run_of(self.name, queries, corpus.ids, Hits(hits.queries, hits.rows, margin.astype(np.float32)), notes)
        run = without_self_matches(run).cut(k) if drop else run.cut(k)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        return replace(run, notes=notes)

    def _mean_of_nearest(self, documents: Stored, vectors: Vectors) -> Float64:
        """For each document the mean cosine of its nearest queries."""
        wide = np.asarray(documents, np.float32)
        back = top_k(wide, [vectors], self.neighbours, lambda: np.arange(len(vectors)))
        return _mean_of_best(back.queries, back.scores, len(wide), self.neighbours)


def _mean_of_best(owners: Int64, scores: Float32, count: int, k: int) -> Float64:
    """For each of `count` owners the mean of its `k` highest scores (of all, where it has fewer)."""
    order = np.lexsort((-scores, owners))
    owners, scores = owners[order], scores[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    best = place < k
    sums = np.bincount(owners[best], weights=scores[best], minlength=count)
    return sums / np.maximum(np.bincount(owners[best], minlength=count), 1)
