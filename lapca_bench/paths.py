"""Where things lie: the cache, the results and the data a user points at.

`LAPCA_BENCH_CACHE` (default: the platform's cache folder) holds what can be made again: fetched resources, vectors,
indexes. `LAPCA_BENCH_SHARED` is the URL of a store of vectors that machines share, each with a cache of its own.
`LAPCA_BENCH_DATA` names a folder with data sets the user already has. Results go where the user says, by default
`lapca-results/` in the current folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

DEFAULT_RESULTS = Path("lapca-results")


def cache_root() -> Path:
    """The cache folder (it need not exist yet)."""
    configured = os.environ.get("LAPCA_BENCH_CACHE")
    return Path(configured).expanduser() if configured else user_cache_path("lapca-bench")


def shared_url() -> str | None:
    """The URL of the store that machines share, or None."""
    return os.environ.get("LAPCA_BENCH_SHARED") or None


def data_root() -> Path | None:
    """The folder of data sets that the user pointed at, or None."""
    configured = os.environ.get("LAPCA_BENCH_DATA")
    return Path(configured).expanduser() if configured else None
