"""Growth: encoding over tokens, search over documents, from 10,000 to the 18,003,200 passages of XOR-Retrieve.

The rows are made when they are read, the same at every reading, as float16 blocks: no disk is needed, and what is
resident is what the search itself holds. Each size is a process of its own, whose peak the system reports.
`python -m benchmarks.growth_plot PATH` draws it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.encode import PROMPT, our_encoder
from benchmarks.measuring import MIB, run_process, say, take_turns
from benchmarks.results import Row
from benchmarks.texts import passages
from lapca_bench.search.exact.top_k import top_k

PACKAGES = ("numpy", "threadpoolctl", "torch")
DIMENSION = 384
SHARD = 4_096
DEPTH = 100
QUERIES = 64
XOR_RETRIEVE = 18_003_200
SIZES = (10_000, 100_000, 1_000_000, 5_000_000, XOR_RETRIEVE)
LIMIT = 2048  # MiB resident
PASSAGES = (16, 32, 64, 128, 256)  # for the growth of encoding


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
    encoding = growth_of_encoding(PASSAGES[:2] if small else PASSAGES)
    rates = [one["tokens"] / one["seconds"] for one in encoding]
    return [
        Row(
            f"exact top-{DEPTH}, {QUERIES} queries × {last:,} × {DIMENSION} float16, streamed",
            f"{seconds:.0f} s, {peak / MIB:,.0f} MiB resident",
            f"limit {LIMIT:,} MiB resident",
            LIMIT * MIB / peak,
            1.0,
            f"rows are made as they are read; ratio: limit by peak; growth: {growth}",
            raw={"growth": measured},
        ),
        Row(
            f"encode {PASSAGES[0]} to {PASSAGES[-1]} passages: growth with tokens",
            f"{encoding[-1]['tokens']:,} tokens: {encoding[-1]['seconds']:.1f} s",
            f"{encoding[0]['tokens']:,} tokens: {encoding[0]['seconds']:.1f} s",
            rates[-1] / rates[0],
            None,
            "ratio: tokens per second of the largest by those of the smallest; 1 is linear",
            raw={"encoding": encoding},
        ),
    ]


def growth_of_encoding(sizes: Sequence[int]) -> list[dict[str, float]]:
    """Tokens and median seconds of five turns, for each number of passages."""
    encoder, documents = our_encoder(), passages(max(sizes))
    encoder.encode_documents(documents[:4])

    def encode(size: int) -> Callable[[int], object]:
        return lambda _: encoder.encode_documents(documents[:size])

    turns = take_turns({str(size): encode(size) for size in sizes}, 5)
    texts = [PROMPT + document.content() for document in documents]
    lengths = encoder.tokenise(texts, 512).lengths
    return [
        {"passages": size, "tokens": int(lengths[:size].sum()), "seconds": turns.median(str(size))} for size in sizes
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
