"""`Workspace`: where systems keep what they compute, and where their work runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lapca_bench.encoders.hardware import Hardware
from lapca_bench.paths import cache_root
from lapca_bench.store.executor import Executor, LocalExecutor
from lapca_bench.store.forms import Sparse, TokenVectors
from lapca_bench.store.shared import Shared, configured
from lapca_bench.store.vectors import VectorStore


@dataclass(frozen=True)
class Workspace:
    """A cache folder, an executor, what models run on, and perhaps a store of vectors that machines share.

    Every system that is made in a workspace shares them.
    """

    cache: Path = field(default_factory=cache_root)
    executor: Executor = field(default_factory=LocalExecutor)
    shared: Shared | None = field(default_factory=configured)
    hardware: Hardware = field(default_factory=Hardware)

    @property
    def vectors(self) -> VectorStore:
        """The store of encoded texts."""
        return VectorStore(self.cache / "vectors", shared=self.shared)

    @property
    def sparse_vectors(self) -> VectorStore:
        """The store of texts as term weights."""
        return VectorStore(self.cache / "vectors", Sparse(), shared=self.shared)

    @property
    def token_vectors(self) -> VectorStore:
        """The store of texts as one vector per token."""
        return VectorStore(self.cache / "vectors", TokenVectors(), shared=self.shared)

    @property
    def indexes(self) -> Path:
        """The folder of Lucene indexes."""
        return self.cache / "indexes"
