"""Search beyond memory: growth from 10,000 to 5,000,000 documents, and the 18,003,200 passages of XOR-Retrieve.

The rows are made when they are read, the same at every reading, as float16 blocks: no disk is needed, and what is
resident is what the search itself holds. Each size is a process of its own, whose peak the system reports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.measuring import MIB, run_process, say
from benchmarks.results import Row
from lapca_bench.search.exact import top_k

PACKAGES = ("numpy", "threadpoolctl")
DIMENSION = 384
SHARD = 4_096
DEPTH = 100
QUERIES = 64
XOR_RETRIEVE = 18_003_200
SIZES = (10_000, 100_000, 1_000_000, 5_000_000, XOR_RETRIEVE)
LIMIT = 2048  # MiB resident


class Generated(Sequence[Any]):
    """`rows` rows in shards, each made from one random block by turning it: a new shard for the price of a copy."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        block = np.random.default_rng(0).standard_normal((SHARD, DIMENSION), dtype=np.float32)
        self._block = (block / np.linalg.norm(block, axis=1, keepdims=True)).astype(np.float16)

    def __len__(self) -> int:
        """Number of shards."""
        return (self.rows + SHARD - 1) // SHARD

    def __getitem__(self, place: Any) -> Any:
        """The shard at this place."""
        return np.roll(self._block, place % DIMENSION, axis=1)[: min(SHARD, self.rows - place * SHARD)]

    def __iter__(self) -> Iterator[Any]:
        """All shards."""
        return (self[place] for place in range(len(self)))


def run(small: bool) -> list[Row]:
    """One process per size."""
    sizes = SIZES[:2] if small else SIZES
    measured = {}
    for size in sizes:
        _, peak, printed = run_process([sys.executable, "-m", "benchmarks.scale", str(size)])
        measured[size] = {"seconds": json.loads(printed)["seconds"], "peak bytes": peak}
        say(f"{size:,}: {measured[size]}")
    last = sizes[-1]
    seconds, peak = measured[last]["seconds"], measured[last]["peak bytes"]
    growth = ", ".join(
        f"{size:,}: {one['seconds']:.1f} s, {one['peak bytes'] / MIB:.0f} MiB" for size, one in measured.items()
    )
    return [
        Row(
            f"exact top-{DEPTH}, {QUERIES} queries × {last:,} × {DIMENSION} float16, streamed",
            f"{seconds:.0f} s, {peak / MIB:,.0f} MiB resident",
            f"limit {LIMIT:,} MiB resident",
            LIMIT * MIB / peak,
            1.0,
            f"rows are made as they are read; ratio: limit by peak; growth: {growth}",
            raw={"growth": measured},
        )
    ]


def main() -> None:
    """Search one size and print the seconds."""
    rows = int(sys.argv[1])
    matrices = Generated(rows)
    queries = np.random.default_rng(1).standard_normal((QUERIES, DIMENSION), dtype=np.float32)
    started = time.perf_counter()
    hits = top_k(queries, matrices, min(DEPTH, rows), lambda: np.arange(rows))
    print(json.dumps({"seconds": time.perf_counter() - started, "hits": len(hits.rows)}))


if __name__ == "__main__":
    main()
