"""Building the pages of a leaderboard of 1,000 systems: seconds and memory of the command, from cold."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import lapca_leaderboards
import numpy as np

from benchmarks.measuring import MIB, take_turns_as_processes
from benchmarks.results import Row
from lapca_bench.digest import digest_texts
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import Facts, Result, ResultStore

PACKAGES = ("pandas", "pyarrow", "jinja2")
COLLECTION = "help-pages/de-en"
LIMIT = 60.0  # seconds
ROUNDS = 5


def run(small: bool) -> list[Row]:
    """The measured systems of one collection again and again under other names, their scores a little different."""
    systems = 40 if small else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queries = write_results(folder / "results", systems)
        command = [sys.executable, "-m", "lapca_bench.cli.main", "board", "build"]
        command += ["--results", str(folder / "results"), "--out", str(folder / "site")]
        turns, _ = take_turns_as_processes({"ours": command}, ROUNDS)
        pages = sum(1 for path in (folder / "site").rglob("*.html"))
        size = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file())
    return [
        Row(
            f"build a leaderboard of {systems:,} systems × {queries:,} queries ({COLLECTION}), {pages:,} pages, "
            f"{size / MIB:.0f} MiB, from cold",
            f"{turns.median('ours'):.1f} s, {turns.peak('ours') / MIB:,.0f} MiB",
            f"limit {LIMIT:.0f} s",
            LIMIT / turns.median("ours"),
            1.0,
            "ratio: limit by seconds",
            raw={"seconds": turns.seconds, "peak bytes": turns.peaks},
        )
    ]


def write_results(folder: Path, systems: int) -> int:
    """`systems` results under `folder`; returns how many queries each has."""
    shipped = stored_results(Path(lapca_leaderboards.__path__[0]) / "results")
    known = [result for result in shipped if result.collection == COLLECTION]
    store, random = ResultStore(folder), np.random.default_rng(0)
    for number in range(systems):
        model = known[number % len(known)]
        facts = {field.name: getattr(model, field.name) for field in fields(Facts)}
        name = f"system-{number:04}"
        digest = digest_texts([name, model.key])
        facts |= {"system": name, "title": f"System {number}", "system_digest": digest, "key": digest}
        scores = model.scores.copy()
        scores["value"] = np.clip(scores["value"] + random.normal(0, 0.01, len(scores)), 0, 1)
        store.write(Result(**facts, scores=scores, run=model.run))
    return int(known[0].scores["query"].nunique())


if __name__ == "__main__":
    write_results(Path(sys.argv[1]), int(sys.argv[2]))
