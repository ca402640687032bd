"""Files that are whole or absent: write to a temporary name beside the target, fsync, rename.

A reader never sees a half-written file, and a kill at any point leaves the old state or the new one. Temporary names
carry the process id, so two writers of one target do not disturb each other: the last rename wins with a whole file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lapca_bench.errors import StoreError


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _store_error(error: OSError, target: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
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
        yield temporary
        _sync_file(temporary)
        temporary.replace(target)
        _sync_directory(target.parent)
    except OSError as error:
        raise _store_error(error, target) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary *folder* to fill; on success its files are fsynced and it is renamed to `target`, else removed.

    If `target` appeared meanwhile (another process finished first), that one is kept: folders written this way are
    addressed by content, so both are the same.
    """
    temporary = _temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        for path in sorted(temporary.rglob("*")):
            if path.is_file() and not path.is_symlink():
                _sync_file(path)
        try:
            temporary.replace(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        _sync_directory(target.parent)
    except OSError as error:
        raise _store_error(error, target) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
