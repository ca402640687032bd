"""The store: vector shards, run files, results, and an overview of what the cache holds."""

from lapca_bench.store.executor import Executor, LocalExecutor
from lapca_bench.store.results import Aggregate, Facts, Result, ResultStore, StoredResult
from lapca_bench.store.runs import read_parquet, read_qrels, read_trec, write_parquet, write_qrels, write_trec
from lapca_bench.store.vectors import StoredCorpus, Tally, VectorStore

__all__ = [
    "Aggregate",
    "Executor",
    "Facts",
    "LocalExecutor",
    "Result",
    "ResultStore",
    "StoredCorpus",
    "StoredResult",
    "Tally",
    "VectorStore",
    "read_parquet",
    "read_qrels",
    "read_trec",
    "write_parquet",
    "write_qrels",
    "write_trec",
]
