"""Executors, as systems take them; defined beside the vector store, the first room that maps work over shards."""

from lapca_bench.store.executor import Executor, LocalExecutor

__all__ = ["Executor", "LocalExecutor"]
