"""`PairwiseSystem`: a scorer of two texts, such as a cross-encoder, as a system."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal, Protocol

from lapca_bench.collections.base import Collection, document_texts
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.kinds.cross_encoder import CrossEncoder, CrossEncoderSettings
from lapca_bench.errors import EncoderError
from lapca_bench.progress import progress
from lapca_bench.run import Run
from lapca_bench.search.card import Making, SystemCard
from lapca_bench.search.system import SystemIdentity
from lapca_bench.types import Document, Query


class PairScorer(Protocol):
    """Scores a query against documents, higher is better: a cross-encoder, or any function of two texts."""

    @property
    def identity(self) -> SystemIdentity | EncoderIdentity:
        """What changes its scores."""

    def score(self, query: Query, documents: Sequence[Document]) -> Sequence[float]:
        """One score per document."""


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


class CrossEncoderCard(SystemCard):
    """A system that reads query and document together."""

    kind: Literal["cross-encoder"]
    cross_encoder: CrossEncoderSettings

    def make(self, making: Making) -> PairwiseSystem:  # noqa: ARG002 (it stores nothing)
        """The system of the cross-encoder."""
        return PairwiseSystem(CrossEncoder(self.cross_encoder, self.name), self.name)
