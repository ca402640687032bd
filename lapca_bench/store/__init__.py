"""The store: vector shards, run files, results, and an overview of what the cache holds.

Names load on first use, so that reading a run file does not wait for what encoders need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lapca_bench.store.executor import Executor, LocalExecutor
    from lapca_bench.store.results import Facts, Result, ResultStore, StoredMean, StoredResult
    from lapca_bench.store.runs import (
        read_parquet,
        read_qrels,
        read_run,
        read_trec,
        write_parquet,
        write_qrels,
        write_trec,
    )
    from lapca_bench.store.vectors import StoredCorpus, Tally, VectorStore

_HOME = {
    **dict.fromkeys(("Executor", "LocalExecutor"), "executor"),
    **dict.fromkeys(("StoredMean", "Facts", "Result", "ResultStore", "StoredResult"), "results"),
    **dict.fromkeys(("read_parquet", "read_qrels", "read_run", "read_trec"), "runs"),
    **dict.fromkeys(("write_parquet", "write_qrels", "write_trec"), "runs"),
    **dict.fromkeys(("StoredCorpus", "Tally", "VectorStore"), "vectors"),
}

__all__ = [
    "Executor",
    "Facts",
    "LocalExecutor",
    "Result",
    "ResultStore",
    "StoredCorpus",
    "StoredMean",
    "StoredResult",
    "Tally",
    "VectorStore",
    "read_parquet",
    "read_qrels",
    "read_run",
    "read_trec",
    "write_parquet",
    "write_qrels",
    "write_trec",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
