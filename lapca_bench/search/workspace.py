"""`Workspace`: where systems keep what they compute, and where their work runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lapca_bench.paths import cache_root
from lapca_bench.search.executor import Executor, LocalExecutor
from lapca_bench.store.forms import Sparse, TokenVectors
from lapca_bench.store.vectors import VectorStore


@dataclass(frozen=True)
class Workspace:
    """A cache folder and an executor; every system that is made in a workspace shares them."""

    cache: Path = field(default_factory=cache_root)
    executor: Executor = field(default_factory=LocalExecutor)

    @property
    def vectors(self) -> VectorStore:
        """The store of encoded texts."""
        return VectorStore(self.cache / "vectors")

    @property
    def sparse_vectors(self) -> VectorStore:
        """The store of texts as term weights."""
        return VectorStore(self.cache / "vectors", Sparse())

    @property
    def token_vectors(self) -> VectorStore:
        """The store of texts as one vector per token."""
        return VectorStore(self.cache / "vectors", TokenVectors())

    @property
    def indexes(self) -> Path:
        """The folder of Lucene indexes."""
        return self.cache / "indexes"
