"""Locks between processes that share a cache, so that no piece of work is done twice at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lapca_bench.errors import StoreError


@contextmanager
def exclusive(folder: Path, address: str) -> Iterator[None]:
    """Hold the lock that `address` falls under; waits while another process holds it.

    There are 256 lock files per folder, chosen by the first two digits of the address: none is ever deleted, so none
    can be deleted under somebody who waits for it. The system releases the lock when a process dies.
    """
    path = folder / f"{address[:2]}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        remedy = "make the folder writable, or point LAPCA_BENCH_CACHE (or --results) at another one"
        raise StoreError(f"cannot write here: {error.strerror or error}", path=path, remedy=remedy) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            remedy = "point LAPCA_BENCH_CACHE at a file system with locks, such as a local disk"
            raise StoreError(f"cannot lock: {error.strerror or error}", path=path, remedy=remedy) from error
        yield
