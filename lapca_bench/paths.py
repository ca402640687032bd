"""Where things lie: the cache, the results and the data a user points at.

`LAPCA_BENCH_CACHE` (default: the platform's cache folder) holds what can be made again: fetched resources, vectors,
indexes. `LAPCA_BENCH_SHARED` is the URL of a store of vectors that machines share, each with a cache of its own.
`LAPCA_BENCH_DATA` names a folder with data sets the user already has. Results go where the user says, by default
`lapca-results/` in the current folder. Compiled code lies in a folder of its own that nobody else can write.
"""

from __future__ import annotations

import os
import stat
import tempfile
from functools import cache
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


def keep_compiled_code_private() -> None:
    """Have numba keep what it compiles where this user alone can write; called before numba is imported.

    Numba reads that code back as pickles, so whoever can write them runs code here: the cache of this project, which
    people share, is no place for them. Where `NUMBA_CACHE_DIR` is set, its owner has decided.
    """
    os.environ.setdefault("NUMBA_CACHE_DIR", str(_private_folder()))


@cache
def _private_folder() -> Path:
    """A folder of this user's with mode 0700; where there can be none, one that no later process looks for."""
    folder = user_cache_path("lapca-bench-compiled")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if own and stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077 and os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="lapca-bench-compiled-"))
