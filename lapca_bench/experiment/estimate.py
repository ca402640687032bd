"""What a corpus will cost before it is encoded: time, disk and memory, from rates measured on the machine itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lapca_bench.encoders.probes import probes
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.encoders.threads import usable_threads
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.exact.top_k import BLOCK_ROWS, QUERY_BLOCK, QUERY_POOL
from lapca_bench.store.vectors import SHARD_SIZE
from lapca_bench.types import Document

_ID_BYTES = 32  # an id of a dozen characters with its place in the column, and room for a second copy
_MANIFEST_BYTES = 1_500  # a shard's manifest as an object
_KEPT = 24  # bytes of one candidate: query, row, score, and their share of a sort


@dataclass(frozen=True)
class Rates:
    """What one worker does in a second: documents encoded, and multiply-add operations of an exact search."""

    documents: float
    operations: float


@dataclass(frozen=True)
class CorpusCost:
    """Seconds, bytes on disk and bytes resident at the highest point, over all workers but for the memory (of one)."""

    encode_seconds: float
    search_seconds: float
    disk_bytes: int
    resident_bytes: int


@dataclass(frozen=True)
class CorpusCosts:
    """The rates of this machine, and what every corpus would cost at them."""

    rates: Rates
    costs: Mapping[str, CorpusCost]


def corpus_costs(  # as `cost`
    system: DenseSystem, corpora: Mapping[str, int], *, words: int, queries: int, depth: int, workers: int
) -> CorpusCosts:
    """What corpora of so many documents of `words` words would cost a system.

    Rates are measured with documents made of the probe sentences.
    """
    text = " ".join((probes()["en"].split() * (words // 10 + 1))[:words])
    rates = measure(system.encoder, [Document(str(number), text) for number in range(32)])
    bytes_per_value = 2 if system.store.form.dtype == "float16" else 4
    costs = {
        name: cost(
            rates,
            documents=documents,
            dimension=system.encoder.dimension,
            queries=queries,
            depth=depth,
            workers=workers,
            bytes_per_value=bytes_per_value,
        )
        for name, documents in corpora.items()
    }
    return CorpusCosts(rates, costs)


def measure(encoder: Encoder, documents: Sequence[Document], seconds: float = 5.0) -> Rates:
    """Rates of this process: sample documents encoded for about `seconds`, and matrix products of a block's shape.

    The products are float32: where a search is filtered by bfloat16, it takes less than is foretold.
    """
    encoder.encode_documents(documents[:2])
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        encoder.encode_documents(documents)
        done += len(documents)
    encoding = done / (time.perf_counter() - started)
    random = np.random.default_rng(0)
    queries = random.random((encoder.dimension, QUERY_BLOCK), dtype=np.float32)  # transposed, as the search has them
    rows = random.random((BLOCK_ROWS, encoder.dimension), dtype=np.float32)
    rows @ queries
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds / 5:
        rows @ queries
        done += 1
    return Rates(encoding, 2.0 * queries.size * BLOCK_ROWS * done / (time.perf_counter() - started))


def cost(  # every argument is a number of the same plain kind, so they are named at the call
    rates: Rates, *, documents: int, dimension: int, queries: int, depth: int, workers: int, bytes_per_value: int
) -> CorpusCost:
    """What `documents` cost on `workers` machines (or workers) of these rates."""
    shards = -(-documents // SHARD_SIZE)
    block = 4 * BLOCK_ROWS * (dimension + QUERY_BLOCK) + BLOCK_ROWS * QUERY_BLOCK
    block += 6 * BLOCK_ROWS * dimension + 2 * QUERY_BLOCK * (BLOCK_ROWS + dimension)  # filtered by bfloat16
    pool = min(queries, QUERY_POOL) * depth * 3 * _KEPT
    part = -(-documents // workers)
    resident = (
        usable_threads() * block
        + pool
        + (4 * queries + 6 * min(queries, QUERY_POOL)) * dimension  # those of a pool lie there transposed too, twice
        + documents * _ID_BYTES
        + shards * _MANIFEST_BYTES
        + min(part, 4 * BLOCK_ROWS) * dimension * bytes_per_value
    )
    return CorpusCost(
        encode_seconds=documents / rates.documents / workers,
        search_seconds=2.0 * queries * documents * dimension / rates.operations / workers,
        disk_bytes=documents * dimension * bytes_per_value + shards * 700,
        resident_bytes=resident,
    )
