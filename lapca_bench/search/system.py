"""`System`: anything that answers queries. The harness sees systems only through `search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_value
from lapca_bench.encoders.protocol import AnyEncoder
from lapca_bench.run import Run
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Query


@dataclass(frozen=True)
class SystemIdentity:
    """Everything that changes a system's ranking, as JSON values; its digest keys stored results."""

    kind: str  # dense, bm25, fusion, rerank, sparse, late-interaction, translate-test, ...
    settings: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over kind and settings."""
        return digest_value({"kind": self.kind, "settings": dict(self.settings)})


@runtime_checkable
class System(Protocol):
    """Answers queries over a collection.

    `search` returns at most `k` documents per query, holds every query of the call (with no rows where nothing was
    found), obeys the collection's self-match policy before the cut, and records in `Run.notes` what it cost:
    `timings` (seconds per stage), `index_bytes`, `encoded` (texts encoded now, not read from the store) and
    `first_texts` (the exact first text of each side as the model saw it).
    """

    @property
    def name(self) -> str:
        """The name in tables."""

    @property
    def identity(self) -> SystemIdentity:
        """What keys this system's stored results."""

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries."""


@runtime_checkable
class MadeOfParts(Protocol):
    """A system that asks others."""

    @property
    def parts(self) -> Sequence[System]:
        """The systems that it is made of."""


@runtime_checkable
class StoresVectors(Protocol):
    """A system that fills a store with what its encoder returns."""

    @property
    def encoder(self) -> AnyEncoder:
        """What encodes."""

    @property
    def store(self) -> VectorStore:
        """Where it is kept."""
