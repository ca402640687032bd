"""Files that are whole or absent: write to a temporary name beside the target, fsync, rename.

A reader never sees a half-written file, and a kill at any point leaves the old state or the new one. Temporary names
carry the host and the process, so two writers of one target do not disturb each other (the last rename wins with a
whole file), and so that what a killed process left behind is known as such: the next writer of the same target removes
it, `sweep` finds the rest.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lapca_bench.digest import digest_bytes
from lapca_bench.errors import LapcaError, StoreError

_STALE_SECONDS = 7 * 24 * 3600  # when a temporary of another machine, whose processes cannot be seen, is given up
_NO_ROOM = 1 << 20  # bytes; a disk with less is full
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)\.[0-9a-f]{8}\.tmp")


@cache
def _host() -> str:
    return digest_bytes(socket.gethostname().encode("utf-8", "surrogateescape"))[:8]


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{_host()}-{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a path is, or lies in, something that is still being written or was left half-written."""
    return any(_TEMPORARY.fullmatch(part) for part in path.parts)


def _abandoned(path: Path) -> bool:
    """Whether a path is a temporary of a process that is gone."""
    named = _TEMPORARY.fullmatch(path.name)
    if named is None:
        return False
    if named[1] != _host():
        with contextlib.suppress(OSError):
            return time.time() - path.lstat().st_mtime > _STALE_SECONDS
        return False
    try:
        os.kill(int(named[2]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False  # somebody else's process
    return False


def remove(path: Path) -> None:
    """Remove a file, or a folder with all it holds; a folder is renamed first, so that it is whole or absent too."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    doomed = path if _TEMPORARY.fullmatch(path.name) else path.rename(_temporary(path))
    shutil.rmtree(doomed)


def sweep(root: Path) -> list[Path]:
    """What killed processes left below `root`: temporary files and folders, none inside another."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        found += [path for name in (*folders, *names) if _abandoned(path := Path(folder, name))]
        folders[:] = [name for name in folders if not _TEMPORARY.fullmatch(name)]
    return sorted(found)


def _sweep_for(target: Path) -> None:
    """Remove what killed writers of this target left; that it cannot be removed is no reason not to write."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        if _abandoned(path):
            with contextlib.suppress(OSError):
                remove(path)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


def _system_error(error: Exception) -> OSError | None:
    """The system's error behind an exception; libraries in Rust (safetensors) or C++ (faiss) say it in words only."""
    if isinstance(error, OSError):
        return error
    if isinstance(error, LapcaError):
        return None
    if os.strerror(errno.ENOSPC) in str(error):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    found = _SYSTEM_ERROR.search(str(error))
    return None if found is None else OSError(int(found[1]), os.strerror(int(found[1])))


def _disk_is_full(error: OSError, target: Path) -> bool:
    """Whether space is what was missing; NumPy's error for half a write does not say why it was half."""
    if error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    try:
        return shutil.disk_usage(target.parent).free < _NO_ROOM
    except OSError:
        return False


def _store_error(error: OSError, target: Path) -> StoreError:
    if _disk_is_full(error, target):
        remedy = "free space on this disk, or point LAPCA_BENCH_CACHE (or --out) at another one; nothing was lost"
        return StoreError("the disk is full", path=target, remedy=remedy)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = "make the folder writable, or point LAPCA_BENCH_CACHE (or --out) at one that is"
        return StoreError("cannot write here", path=target, remedy=remedy)
    return StoreError(f"cannot write: {error.strerror or error}", path=target, remedy="check the path and the disk")


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path to write a *file* to; on success it is fsynced and renamed to `target`, else removed.

    Raises `StoreError` when the disk is full or the folder cannot be written.
    """
    temporary = _temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep_for(target)
        yield temporary
        _sync_file(temporary)
        temporary.replace(target)
        _sync_directory(target.parent)
    except Exception as error:
        if (system := _system_error(error)) is None:
            raise
        raise _store_error(system, target) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, removed at the end whatever happens."""
    temporary = _temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep_for(target)
        temporary.mkdir()
        yield temporary
    except Exception as error:
        if (system := _system_error(error)) is None:
            raise
        raise _store_error(system, target) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary *folder* to fill; on success all in it is fsynced and it takes the place of `target`, else it goes.

    What stood there before is moved out of the way first, and put back if the new one cannot be moved in. Two writers
    of one target take turns by a lock, and the second looks again before it writes.
    """
    with scratch_folder(target) as temporary:
        yield temporary
        for folder, _, names in os.walk(temporary, topdown=False):
            for name in names:
                if not Path(folder, name).is_symlink():
                    _sync_file(Path(folder, name))
            _sync_directory(Path(folder))
        _move_in(temporary, target)
        _sync_directory(target.parent)


def _move_in(fresh: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        fresh.replace(target)  # where nothing, or an empty folder, stands
        return
    old = target.rename(_temporary(target))
    try:
        fresh.replace(target)
    except OSError:
        old.rename(target)
        raise
    remove(old)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content` to `target`, whole or not at all."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write UTF-8 `content` to `target`, whole or not at all."""
    write_bytes(target, content.encode("utf-8"))


def write_json(target: Path, content: Any) -> None:
    """Write `content` as sorted, indented JSON; NaN and infinity are refused because JSON has no such numbers."""
    write_text(target, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
