"""How many threads the work may use."""

from __future__ import annotations

import os


def usable_threads() -> int:
    """Processors that this process may run on, and no more than OMP_NUM_THREADS says where it is set."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(processors, int(asked)) if asked.isdigit() and int(asked) else processors
