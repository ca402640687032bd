"""`RerankSystem`: the first documents of one system in the order of a second stage.

A second stage is whatever can give pairs of query and document a score: a dense, sparse or late-interaction system
(from its stored vectors), or a scorer of two texts such as a cross-encoder, as `pairwise.PairwiseSystem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.run import Run
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.notes import with_costs_of
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.types import Query


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


class RerankSettings(SystemSettings):
    """Table `[rerank]`: the first `depth` documents of system `first` in the order of the scores of system `second`."""

    first: str
    second: str
    depth: int = Field(default=100, ge=1)

    @property
    def parts(self) -> tuple[str, ...]:
        """Both stages."""
        return (self.first, self.second)


class RerankCard(SystemCard):
    """A system whose first documents another one puts in order."""

    kind: Literal["rerank"]
    rerank: RerankSettings

    def make(self, making: Making) -> RerankSystem:
        """The system of both; raises `UsageError` where the second cannot give the documents of another new scores."""
        first, second = making.part(self.rerank.first), making.part(self.rerank.second)
        if not isinstance(second, Rescorer):
            raise UsageError(
                f"{self.rerank.second} cannot give the documents of another system new scores",
                key="rerank.second",
                remedy="name a dense, sparse or late-interaction system or a cross-encoder",
            )
        return RerankSystem(first, second, self.rerank.depth, self.name)


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
