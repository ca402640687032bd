"""`python -m benchmarks [NAME ...] [--small] [--out FOLDER]`: measure, keep raw numbers, write RESULTS.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks import machine, results
from benchmarks.measuring import say

# One module each, with `run(small) -> list[Row]` and `PACKAGES`, whose versions are stated beside the numbers.
NAMES = ("encode", "backends", "search", "scale", "scoring", "first_table", "training", "bm25", "board")


def main() -> int:
    """Run one benchmark here, or several as processes of their own, so that none inherits another's memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--small", action="store_true", help="little work, to try it out; the figures mean nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of RESULTS.md and results/")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    names = asked.names or list(NAMES)
    if len(names) == 1:
        return measure(names[0], small=asked.small, out=asked.out)
    failed = [name for name in names if _as_process(name, small=asked.small, out=asked.out)]
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def measure(name: str, *, small: bool, out: Path) -> int:
    """Run one benchmark and write what it found."""
    os.environ["LAPCA_BENCH_QUIET"] = "1"
    module = import_module(f"benchmarks.{name}")
    rows = module.run(small)
    about = {
        "machine": machine.describe(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": f"python -m benchmarks {name}" + (" --small" if small else ""),
        "versions": machine.versions(*module.PACKAGES),
    }
    results.write(out, name, about, rows)
    for row in rows:
        say(f"{row.work}: ours {row.ours}; peer {row.peer}; ratio {row.ratio}; target {row.target} {row.verdict}")
    return 0


def _as_process(name: str, *, small: bool, out: Path) -> int:
    say(f"== {name}")
    command = [sys.executable, "-m", "benchmarks", name, "--out", str(out), *(["--small"] if small else [])]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
