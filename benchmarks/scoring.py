"""Scoring a run file from cold: reading, judging and scoring per query, one process each."""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring import MIB, take_turns_as_processes
from benchmarks.results import Row
from benchmarks.scoring_one import LIBRARIES, MEASURES, ours

PACKAGES = ("numpy", "pandas", "pyarrow", "ir_measures", "pytrec_eval-terrier", "ranx", "numba")
TARGETS = {"ir_measures": 1.0, "pytrec_eval": 1.0, "ranx": 3.0}
ROUNDS = 5


def run(small: bool) -> list[Row]:
    """A run of the size of MS MARCO's development set (6,980 queries × 1,000 documents) with random documents."""
    queries, depth = (100, 100) if small else (6980, 1000)
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), queries, depth)
        commands = {
            name: [sys.executable, "-m", "benchmarks.scoring_one", name, *map(str, files)] for name in LIBRARIES
        }
        turns, printed = take_turns_as_processes(commands, ROUNDS)
        profiler = cProfile.Profile()
        profiler.runcall(ours, *map(str, files))
    means = {name: json.loads(text) for name, text in printed.items()}
    apart = max(abs(means[name][measure] - means["ours"][measure]) for name in means for measure in MEASURES)
    stats = pstats.Stats(profiler).get_stats_profile()
    calls = sorted(stats.func_profiles.items(), key=lambda item: -item[1].cumtime)
    own = [f"{name} {one.cumtime:.1f} s" for name, one in calls if "lapca_bench" in one.file_name][:8]
    return [
        Row(
            f"read a TREC run ({queries:,} × {depth:,}) and judgements, score {', '.join(MEASURES)}, from cold",
            f"{turns.median('ours'):.1f} s, {turns.peak('ours') / MIB:,.0f} MiB",
            f"{peer}: {turns.median(peer):.1f} s, {turns.peak(peer) / MIB:,.0f} MiB",
            turns.ratio(peer),
            target,
            f"means of all libraries agree to {apart:.0e}",
            note=f"profile of ours: {', '.join(own)}" if peer == "ir_measures" else "",
            raw={"seconds": turns.seconds, "peak bytes": turns.peaks, "means": means} if peer == "ranx" else {},
        )
        for peer, target in TARGETS.items()
    ]


def write_files(folder: Path, queries: int, depth: int) -> tuple[Path, Path]:
    """A run of distinct scores and judgements (one relevant document per query, found in half of the queries)."""
    random = np.random.default_rng(0)
    run, qrels = folder / "run.trec", folder / "qrels.trec"
    with run.open("w") as ranked, qrels.open("w") as judged:
        for query in range(queries):
            documents = random.choice(8_841_823, size=depth, replace=False)
            scores = np.sort(random.random(depth))[::-1] * 30
            ranked.writelines(
                f"{1_000_000 + query} Q0 {document} {rank} {score:.6f} random\n"
                for rank, (document, score) in enumerate(zip(documents, scores, strict=True), start=1)
            )
            found = documents[int(random.exponential(20)) % depth] if query % 2 else 9_000_000 + query
            judged.write(f"{1_000_000 + query} 0 {found} 1\n")
    return run, qrels


if __name__ == "__main__":
    print(write_files(Path(sys.argv[1]), *map(int, sys.argv[2:])))
