"""`python -m benchmarks.growth_plot PATH`: what `python -m benchmarks scale` measured, as an SVG of three panels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.measuring import MIB
from benchmarks.scale import LIMIT

RESULTS = Path(__file__).parent / "results" / "scale.json"


def main() -> None:
    """Encoding over tokens, search over documents, peak memory over documents; straight lines of slope 1 beside."""
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9})
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"]
    searched, encoded = rows[0]["raw"]["growth"], rows[1]["raw"]["encoding"]
    documents = [int(size) for size in searched]
    figure, (encoding, search, memory) = pyplot.subplots(1, 3, figsize=(10, 3), layout="constrained")
    line(encoding, [one["tokens"] for one in encoded], [one["seconds"] for one in encoded])
    encoding.set(title="Encoding", xlabel="tokens", ylabel="seconds")
    line(search, documents, [one["seconds"] for one in searched.values()])
    search.set(title="Exact search, 64 queries", xlabel="documents", ylabel="seconds")
    memory.plot(documents, [one["peak bytes"] / MIB for one in searched.values()], marker="o", color="#1f5fa8")
    memory.axhline(LIMIT, color="#a33", linestyle="--")
    memory.annotate(f"limit {LIMIT:,} MiB", (documents[0], LIMIT), (0, -11), textcoords="offset points")
    memory.set(title="Peak memory of the search", xlabel="documents", ylabel="MiB", xscale="log", ylim=(0, 1.1 * LIMIT))
    figure.savefig(sys.argv[1], metadata={"Date": None})


def line(axes: Any, sizes: list[int], seconds: list[float]) -> None:
    """Measured points on logarithmic axes, and what growth in proportion to the largest would be."""
    axes.plot(sizes, [seconds[-1] * size / sizes[-1] for size in sizes], color="#999", label="linear")
    axes.plot(sizes, seconds, marker="o", color="#1f5fa8", label="measured")
    axes.set(xscale="log", yscale="log")
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
