"""Exact top-100 from float16 shards on disk: ours against faiss in memory, and against the bare matrix products."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.measuring import MIB, run_process, say, spent_in, take_turns
from benchmarks.results import Row
from lapca_bench.search.exact import bfloat16
from lapca_bench.search.exact.top_k import top_k

PACKAGES = ("numpy", "faiss-cpu", "threadpoolctl", "torch")
DIMENSION = 384
SHARD = 512  # rows per file, as the vector store writes them
DEPTH = 100
QUERIES = 1000
ROUNDS = 5
PARTS = ("_scan", "_rows", "_few_candidates", "_candidates", "_merge", "_decide")  # the first holds the next three


def run(small: bool) -> list[Row]:
    """Both search the same rows: faiss holds them in float32, ours reads the float16 files.

    torch is there before, as in any process that has encoded the queries that it searches with.
    """
    import faiss

    torch_seconds = import_torch()

    rows = 20_000 if small else 500_000
    faiss.omp_set_num_threads(machine.threads())
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder), rows)
        queries = clustered(QUERIES, seed=1).astype(np.float32)
        matrices = open_shards(Path(folder))
        index = faiss.IndexFlatIP(DIMENSION)
        for matrix in matrices:
            index.add(matrix.astype(np.float32))
        block = clustered(4096, seed=2).astype(np.float32)
        scores = np.empty((QUERIES, len(block)), np.float32)
        found: dict[str, Any] = {}

        def ours(_: int) -> None:
            found["ours"] = top_k(queries, matrices, DEPTH, lambda: np.arange(rows))

        def theirs(_: int) -> None:
            found["faiss"] = index.search(queries, DEPTH)

        def products(_: int) -> None:
            for _start in range(0, rows, len(block)):
                np.matmul(queries, block.T, out=scores)

        turns = take_turns({"ours": ours, "faiss": theirs, "products": products}, ROUNDS)
        parts = spent_in(PARTS, lambda: ours(0))
        seconds, peak, _ = run_process([sys.executable, "-m", "benchmarks.search", folder])
    hits, (their_scores, their_rows) = found["ours"], found["faiss"]
    same, apart = agreement(hits, their_rows, their_scores)
    say(f"same rows {same:.6f}, largest difference of a score where they differ {apart:.2g}")
    raw = {
        "seconds": turns.seconds,
        "rows": rows,
        "peak resident bytes of a process of its own": peak,
        "seconds of that process, all imports among them": seconds,
        "seconds of importing torch, before all turns": torch_seconds,
        "filtered by bfloat16": bfloat16.pays(QUERIES, rows, DIMENSION),
        "share of equal rows": same,
        "score difference at unequal rows": apart,
    }
    per_second = {name: QUERIES / turns.median(name) for name in turns.seconds}
    share = median(
        products / mine for products, mine in zip(turns.seconds["products"], turns.seconds["ours"], strict=True)
    )
    return [
        Row(
            f"exact top-{DEPTH}, {QUERIES:,} queries × {rows:,} × {DIMENSION}, float16 shards of {SHARD} on disk",
            f"{per_second['ours']:.0f} queries/s, {peak / MIB:.0f} MiB resident (limit 1,024)",
            f"faiss IndexFlatIP in memory: {per_second['faiss']:.0f} queries/s",
            turns.ratio("faiss"),
            1.2,
            f"{same:.4%} of the rows are the same, the others tie within {apart:.0e}",
            note=f"profile of ours, processor seconds of {machine.threads()} threads: "
            + ", ".join(f"{name} {spent:.2f}" for name, spent in parts.items())
            + f"; the bare float32 products take {machine.threads()} × {turns.median('products'):.2f} s"
            + f"; torch was loaded before, in {torch_seconds:.1f} s that neither side counts",
            raw=raw,
        ),
        Row(
            "speed of that search by that of the bare float32 matrix products",
            f"{turns.median('ours'):.2f} s",
            f"products alone, from float32 in memory: {turns.median('products'):.2f} s",
            share,
            0.85,
            f"{2 * QUERIES * rows * DIMENSION / turns.median('products') / 1e9:.0f} GFLOP/s",
            raw={},
        ),
    ]


def import_torch() -> float:
    """How long that takes here."""
    start = time.perf_counter()
    import torch  # noqa: F401

    return time.perf_counter() - start


def clustered(count: int, seed: int) -> Any:
    """`(count, DIMENSION)` float16 unit rows around 1,000 centres that all seeds share."""
    centres = np.random.default_rng(0).standard_normal((1000, DIMENSION), dtype=np.float32)
    random = np.random.default_rng(seed)
    rows = centres[random.integers(len(centres), size=count)]
    rows += random.standard_normal((count, DIMENSION), dtype=np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def write_shards(folder: Path, rows: int) -> None:
    """Files of `SHARD` rows."""
    for start in range(0, rows, SHARD):
        np.save(folder / f"{start:09}.npy", clustered(min(SHARD, rows - start), seed=1000 + start))


def open_shards(folder: Path) -> list[Any]:
    """All files, memory-mapped."""
    return [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]


def agreement(hits: Any, their_rows: Any, their_scores: Any) -> tuple[float, float]:
    """Share of rows that both found, and by how much the scores of the others differ from the last one kept."""
    same, apart = 0, 0.0
    for query in range(len(their_rows)):
        mine = hits.queries == query
        rows = hits.rows[mine]
        common = np.isin(rows, their_rows[query])
        same += int(common.sum())
        if not common.all():
            apart = max(apart, float(np.abs(hits.scores[mine][~common] - their_scores[query].min()).max()))
    return same / their_rows.size, apart


def main() -> None:
    """Search alone, for the memory of it, torch included."""
    import_torch()
    matrices = open_shards(Path(sys.argv[1]))
    rows = sum(len(matrix) for matrix in matrices)
    top_k(clustered(QUERIES, seed=1).astype(np.float32), matrices, DEPTH, lambda: np.arange(rows))


if __name__ == "__main__":
    main()
