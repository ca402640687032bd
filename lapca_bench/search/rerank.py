"""`RerankSystem`: the first documents of one system in the order of a second stage.

A second stage is whatever can give pairs of query and document a score: a dense, sparse or late-interaction system
(from its stored vectors), or a scorer of two texts such as a cross-encoder, as `PairwiseSystem`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lapca_bench.collections.base import Collection, document_texts
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.errors import EncoderError
from lapca_bench.progress import progress
from lapca_bench.run import Run
from lapca_bench.search.notes import with_costs_of
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.types import Document, Query


@runtime_checkable
class Rescorer(Protocol):
    """A second stage."""

    @property
    def name(self) -> str:
        """The name in tables."""

    @property
    def identity(self) -> SystemIdentity:
        """What changes its scores."""

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first`, no more and no fewer, with new scores and the notes of this stage."""


class PairScorer(Protocol):
    """Scores a query against documents, higher is better: a cross-encoder, or any function of two texts."""

    @property
    def identity(self) -> SystemIdentity | EncoderIdentity:
        """What changes its scores."""

    def score(self, query: Query, documents: Sequence[Document]) -> Sequence[float]:
        """One score per document."""


class RerankSystem:
    """The first `depth` documents of `first` in the order of `second`; what lies deeper is not returned."""

    def __init__(self, first: System, second: Rescorer, depth: int = 100, name: str | None = None) -> None:
        self._first = first
        self._second = second
        self._depth = depth
        self.name = name or f"{first.name}+rerank{depth}-{second.name}"

    @property
    def parts(self) -> tuple[System, ...]:
        """The systems that it is made of."""
        return (self._first, *((self._second,) if isinstance(self._second, System) else ()))

    @property
    def identity(self) -> SystemIdentity:
        """Both stages and the depth."""
        return SystemIdentity(
            "rerank",
            {
                "first": self._first.identity.digest,
                "second": self._second.identity.digest,
                "names": [self._first.name, self._second.name],
                "depth": self._depth,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The reranked run."""
        first = self._first.search(collection, queries, self._depth)
        second = self._second.rescore(collection, queries, first)
        return with_costs_of(second.renamed(self.name), [first, second]).cut(k)


class PairwiseSystem:
    """A scorer of two texts as a system: it scores every document of the collection, or those of a first stage.

    Alone it reads every pair of query and document, which only a small collection allows.
    """

    def __init__(self, scorer: PairScorer, name: str) -> None:
        self._scorer = scorer
        self.name = name

    @property
    def identity(self) -> SystemIdentity:
        """The scorer's."""
        return SystemIdentity("pairwise", {"scorer": self._scorer.identity.digest})

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """Every document of the collection, scored."""
        ids = [document.id for document in collection.documents()]
        drop = collection.card.policy.self_match == "drop"
        pairs = [(row, i) for row, query in enumerate(queries) for i in ids if not (drop and i == query.id)]
        everything = Run.from_columns(
            self.name,
            [query.id for query in queries],
            [row for row, _ in pairs],
            [identifier for _, identifier in pairs],
            [0.0] * len(pairs),
        )
        return self.rescore(collection, queries, everything).cut(k)

    def rescore(self, collection: Collection, queries: Sequence[Query], first: Run) -> Run:
        """The pairs of `first` with the scorer's scores."""
        started = time.perf_counter()
        texts = document_texts(collection, set(first.vocabulary.tolist()))
        rows: list[int] = []
        found: list[str] = []
        scores: list[float] = []
        with progress(f"rerank ({self.name})", total=len(queries), unit="query") as bar:
            for row, query in enumerate(queries):
                documents = [texts[document] for document, _ in first.ranking(query.id)]
                if documents:
                    rows += [row] * len(documents)
                    found += [document.id for document in documents]
                    scores += self._scores(query, documents)
                bar.advance()
        notes = {"timings": {"rerank": round(time.perf_counter() - started, 3)}}
        return Run.from_columns(self.name, [query.id for query in queries], rows, found, scores, notes)

    def _scores(self, query: Query, documents: Sequence[Document]) -> list[float]:
        scores = [float(score) for score in self._scorer.score(query, documents)]
        if len(scores) != len(documents):
            message = f"{self.name}: its scorer returned {len(scores)} scores for {len(documents)} documents"
            raise EncoderError(message, remedy="return one score per document, in the order of the documents")
        return scores
