"""Locks between processes that share a cache, so that no piece of work is done twice at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lapca_bench.errors import StoreError

PATIENCE = 5.0  # seconds of waiting before a word about it

log = logging.getLogger(__name__)


@contextmanager
def exclusive(folder: Path, address: str) -> Iterator[None]:
    """Hold the lock that `address` falls under; waits while another process holds it.

    There are 256 lock files per folder, chosen by the first two digits of the address: none is ever deleted, so none
    can be deleted under somebody who waits for it. The system releases the lock when a process dies. Who holds one
    writes itself into it; whoever has waited for five seconds says for whom.
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
            _take(handle, path)
        except OSError as error:
            remedy = "point LAPCA_BENCH_CACHE at a file system with locks, such as a local disk"
            raise StoreError(f"cannot lock: {error.strerror or error}", path=path, remedy=remedy) from error
        yield


def _take(handle: TextIO, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        word = threading.Timer(PATIENCE, lambda: log.warning("waiting for %s: %s", path, _holder(path)))
        word.daemon = True
        word.start()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        finally:
            word.cancel()
    with contextlib.suppress(OSError):  # a full disk: the lock is held all the same
        os.ftruncate(handle.fileno(), 0)  # past the handle's buffer, which closing would try to write again
        os.write(handle.fileno(), f"{os.getpid()} {socket.gethostname()}".encode())


def _holder(path: Path) -> str:
    """Who holds a lock, and what to do about it where it is stopped."""
    try:
        process, _, host = path.read_text("utf-8", "replace").partition(" ")
        number = int(process)
    except (OSError, ValueError):
        return "another process holds it"
    if host != socket.gethostname():
        return f"process {number} on another machine holds it"
    try:
        stopped = Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(") ")[2][:1] in ("T", "t")
    except OSError:
        stopped = False
    ways = f", stopped (`kill -CONT {number}` lets it go on, `kill -9 {number}` ends it)" if stopped else ""
    return f"process {number} on this machine holds it{ways}"
