"""`RerankSystem`: a scorer of (query, document) pairs over the first documents of another system."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from lapca_bench.collections.base import Collection, document_texts
from lapca_bench.errors import EncoderError
from lapca_bench.run import Run
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.types import Document, Query


class PairScorer(Protocol):
    """Scores a query against documents, higher is better: a cross-encoder, or any function of two texts."""

    @property
    def identity(self) -> SystemIdentity:
        """What changes its scores."""

    def score(self, query: Query, documents: Sequence[Document]) -> Sequence[float]:
        """One score per document."""


class RerankSystem:
    """The first `depth` documents of `first` in the order of `scorer`; what lies deeper is not returned."""

    def __init__(self, first: System, scorer: PairScorer, depth: int = 100, name: str | None = None) -> None:
        self._first = first
        self._scorer = scorer
        self._depth = depth
        self.name = name or f"{first.name} > rerank"

    @property
    def identity(self) -> SystemIdentity:
        """First stage, scorer and depth."""
        return SystemIdentity(
            "rerank",
            {
                "first": self._first.identity.digest,
                "scorer": self._scorer.identity.digest,
                "depth": self._depth,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The reranked run."""
        first = self._first.search(collection, queries, self._depth)
        started = time.perf_counter()
        texts = document_texts(collection, set(first.vocabulary.tolist()))
        rows: list[int] = []
        found: list[str] = []
        scores: list[float] = []
        for row, query in enumerate(queries):
            documents = [texts[document] for document, _ in first.ranking(query.id)]
            if documents:
                rows += [row] * len(documents)
                found += [document.id for document in documents]
                scores += self._scores(query, documents)
        timings = {**first.notes.get("timings", {}), "rerank": round(time.perf_counter() - started, 3)}
        notes = {**first.notes, "timings": timings}
        return Run.from_columns(self.name, [query.id for query in queries], rows, found, scores, notes).cut(k)

    def _scores(self, query: Query, documents: Sequence[Document]) -> list[float]:
        scores = [float(score) for score in self._scorer.score(query, documents)]
        if len(scores) != len(documents):
            message = f"{self.name}: its scorer returned {len(scores)} scores for {len(documents)} documents"
            raise EncoderError(message, remedy="return one score per document, in the order of the documents")
        return scores
