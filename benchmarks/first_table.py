"""What scoring costs the first table of a fresh environment, where nothing is compiled yet, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from statistics import median

import numpy as np

from benchmarks.results import Row

PACKAGES = ("numpy", "ranx", "numba", "llvmlite")
MEASURES = {"nDCG@10": "ndcg@10", "RR@10": "mrr@10", "R@100": "recall@100", "AP": "map"}  # ranx's names
LIMIT = 3.0  # seconds
ROUNDS = 3

Lists = Mapping[str, Mapping[str, float]]


def run(small: bool) -> list[Row]:
    """A run of the size of XQuAD-R in one language: 1,190 queries of 100 documents, one relevant document each."""
    queries = 100 if small else 1190
    found = {name: [_in_a_fresh_process(name, queries) for _ in range(1 if small else ROUNDS)] for name in CONTESTANTS}
    wall = {name: median(one["seconds"] for one in each) for name, each in found.items()}
    busy = {name: median(one["processor seconds"] for one in each) for name, each in found.items()}
    apart = max(abs(found["ours"][0]["means"][name] - found["ranx"][0]["means"][name]) for name in MEASURES)
    return [
        Row(
            f"score {', '.join(MEASURES)} of {queries:,} × 100 with ranx, nothing compiled before",
            f"{wall['ours']:.1f} s ({busy['ours']:.1f} s of processor)",
            f"ranx.evaluate: {wall['ranx']:.1f} s ({busy['ranx']:.1f} s of processor)",
            LIMIT / wall["ours"],
            1.0,
            f"share of a limit of {LIMIT:g} s, imports counted; means agree to {apart:.0e}",
            raw=found,
        )
    ]


def _in_a_fresh_process(name: str, queries: int) -> dict[str, float | dict[str, float]]:
    with tempfile.TemporaryDirectory() as nothing_compiled:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.first_table", name, str(queries)],
            env={**os.environ, "NUMBA_CACHE_DIR": nothing_compiled},
            stdout=subprocess.PIPE,
            check=True,
        )
    found: dict[str, float | dict[str, float]] = json.loads(answer.stdout)
    return found


def ours(run: Lists, judged: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """As an experiment scores."""
    from lapca_bench.run import Qrels, Run
    from lapca_bench.scoring import score_files

    scores = score_files(Run.from_dict("random", run), Qrels(judged), list(MEASURES), engine="ranx")
    return {name: scores.means[name]["mean"] for name in MEASURES}


def ranx(run: Lists, judged: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """As ranx's users do."""
    from ranx import Qrels, Run, evaluate

    means = evaluate(Qrels(judged), Run(run), list(MEASURES.values()))
    return {name: float(means[theirs]) for name, theirs in MEASURES.items()}


CONTESTANTS: dict[str, Callable[..., dict[str, float]]] = {"ours": ours, "ranx": ranx}


def main(name: str, queries: int) -> None:
    """Score once and print how long that took."""
    random = np.random.default_rng(0)
    run = {
        f"q{query}": {f"d{document}": float(score) for document, score in zip(*draw(random), strict=True)}
        for query in range(queries)
    }
    judged = {f"q{query}": {f"d{random.integers(2000)}": 1} for query in range(queries)}
    started, busy = time.perf_counter(), time.process_time()
    means = CONTESTANTS[name](run, judged)
    seconds, processor = time.perf_counter() - started, time.process_time() - busy
    print(json.dumps({"seconds": seconds, "processor seconds": processor, "means": means}))


def draw(random: np.random.Generator) -> tuple[list[int], list[float]]:
    """100 documents of 2,000 and their distinct scores."""
    return random.choice(2000, size=100, replace=False).tolist(), random.permutation(100).tolist()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
