"""A faiss index tried out in a process of its own, because some strings that faiss takes end the process ("HNSW0").

`python -m lapca_bench.search.approximation.trial STRING DIMENSION` makes the index of a few vectors and searches it.
Only how that process ends counts here: what faiss refuses by an error it refuses in ours too, with its reason.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import numpy as np

ROWS = 1_000  # enough for a product quantiser of 8 bits
CELLS = 16  # in place of an IVF's own number, which many rows are trained for
SECONDS = 120


def trial(index: str, dimension: int) -> str:
    """How a process that makes this index of vectors of this width dies; "" where it lives on, or cannot be started."""
    command = [sys.executable, "-m", __name__, index, str(dimension)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed arguments
    except subprocess.TimeoutExpired:
        return f"takes more than {SECONDS} s"
    except (OSError, ValueError):  # ValueError: a NUL in the string, which faiss will refuse
        return ""
    return f"ends the process ({signal.Signals(-done.returncode).name})" if done.returncode < 0 else ""


def main(index: str, dimension: int) -> None:
    """Make the index, fill it and search it."""
    import faiss

    rows = np.random.default_rng(13).standard_normal((ROWS, dimension), dtype=np.float32)
    made = faiss.index_factory(dimension, re.sub(r"IVF[0-9]+", _fewer_cells, index), faiss.METRIC_INNER_PRODUCT)
    if not made.is_trained:
        made.train(rows)
    made.add(rows)
    made.search(rows[:5], 10)


def _fewer_cells(found: re.Match[str]) -> str:
    return f"IVF{min(int(found[0][3:]), CELLS)}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
