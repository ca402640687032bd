"""Digests of the files of a collection: of all their bytes, and remembered, so that a large corpus is read once.

What is remembered lies in the cache, by path: size, inode and the times of change of content and of entry, in
nanoseconds. Any of them that moved means reading the file again; what changed in the last two seconds is not remembered
at all, since a second change within the same tick of the clock would leave every one of them as it was.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from lapca_bench.digest import digest_bytes
from lapca_bench.errors import InputError, StoreError
from lapca_bench.paths import cache_root
from lapca_bench.sealed import read_sealed, write_sealed

_LARGE = 64 << 20  # bytes; a smaller file is read faster than what is remembered of it
_BLOCK = 1 << 20
_SETTLED = 2.0  # seconds after which a file's times tell a further change


@dataclass(frozen=True)
class FileState:
    """What the system says of a file: it moves when the content does."""

    size: int
    modified: int
    changed: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Raises `OSError` where there is none."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)

    @property
    def settled(self) -> bool:
        """Whether another change would move one of the times."""
        latest = max(self.modified, self.changed) / 1e9
        return abs(time.time() - latest) > _SETTLED


def file_fingerprint(path: Path) -> str:
    """A digest of a file's size and of all its bytes.

    Raises `InputError` where the file changes while it is read.
    """
    place = path.resolve()
    state = FileState.of(place)
    if not state.settled:
        return _read(place, state)
    return _of_small(place, state) if state.size <= _LARGE else _of_large(place, state)


@lru_cache(maxsize=1024)
def _of_small(path: Path, state: FileState) -> str:
    return _read(path, state)


def _of_large(path: Path, state: FileState) -> str:
    memory = cache_root() / "digests" / f"{digest_bytes(os.fsencode(path))[:32]}.json"
    about = asdict(state)
    if memory.is_file():
        with contextlib.suppress(StoreError):  # damaged: the file is read again
            known = read_sealed(memory, "")
            digest = known.pop("sha256", None)
            if isinstance(digest, str) and known == about:
                return digest
    found = _read(path, state)
    with contextlib.suppress(StoreError):  # a cache that cannot be written: the file is read again next time
        write_sealed(memory, {**about, "sha256": found})
    return found


def _read(path: Path, state: FileState) -> str:
    hasher = sha256(state.size.to_bytes(8, "little"))
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            hasher.update(block)
    refuse_changed({path: state})
    return hasher.hexdigest()


def states(paths: Iterable[Path]) -> dict[Path, FileState]:
    """The files as they are now."""
    return {path: FileState.of(path) for path in paths}


def refuse_changed(before: Mapping[Path, FileState]) -> None:
    """Raise `InputError` for the first file that is no longer as it was."""
    for path, state in before.items():
        if not path.exists() or FileState.of(path) != state:
            raise InputError("changed while it was used", path=path, remedy="run again when nothing writes to it")
