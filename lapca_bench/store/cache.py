"""The cache as a whole: how large its rooms are, whether what they hold is undamaged, and emptying one.

All of it can be made or fetched again; nothing here touches results.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.digest import digest_file
from lapca_bench.errors import StoreError, unknown_name
from lapca_bench.store.lock import exclusive
from lapca_bench.store.shard import check_shard, read_manifest, vector_file

# What the rooms hold. Folders that are not named here belong to somebody else and are left alone.
ROOMS = {
    "resources": "fetched weights and corpora",
    "checkpoints": "weights converted from fetched ones",
    "collections": "parsed corpora",
    "vectors": "encoded texts",
    "indexes": "Lucene indexes",
    "numba": "compiled code",
}


@dataclass(frozen=True)
class Room:
    """One room: files and bytes in it."""

    name: str
    holds: str
    files: int
    size: int


@dataclass(frozen=True)
class Finding:
    """Something damaged, what is wrong with it, and whether it was removed."""

    path: Path
    message: str
    repaired: bool


def rooms(cache: Path) -> list[Room]:
    """The rooms of `cache`; one that does not exist yet is empty."""
    found = []
    for name, holds in ROOMS.items():
        sizes = [path.lstat().st_size for path in _files(cache / name)]
        found.append(Room(name, holds, len(sizes), sum(sizes)))
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def verify(cache: Path, repair: bool = False) -> Iterator[Finding]:
    """Every damaged vector shard and Lucene index of `cache`, found by their digests, as they are found.

    With `repair` each is removed, the manifest first, so that the next run makes it again.
    """
    yield from _damaged_shards(cache / "vectors", repair)
    yield from _damaged_indexes(cache / "indexes", repair)


def _damaged_shards(root: Path, repair: bool) -> Iterator[Finding]:
    for path in sorted(root.glob("*/??/*.json")):
        folder = path.parent.parent
        try:
            manifest = read_manifest(path)
            if manifest.address != path.stem:
                raise StoreError("this manifest is of another shard", path=path)  # noqa: TRY301 - as if unreadable
            check_shard(folder, manifest)
        except StoreError as error:
            if repair:
                with exclusive(folder / "locks", path.stem):
                    _remove(path)
                    _remove(vector_file(folder, path.stem))
            yield Finding(error.path or path, error.message, repair)


def _damaged_indexes(root: Path, repair: bool) -> Iterator[Finding]:
    for manifest in sorted(root.glob("*/index.json")):
        message = _index_damage(manifest)
        if message is not None:
            if repair:
                with exclusive(root / "locks", manifest.parent.name):
                    _remove(manifest)
                    _remove(manifest.parent)
            yield Finding(manifest.parent, message, repair)


def _index_damage(manifest: Path) -> str | None:
    try:
        files = dict(json.loads(manifest.read_text("utf-8"))["files"])
        damaged = [name for name, digest in files.items() if digest_file(manifest.parent / name) != digest]
    except (KeyError, TypeError):
        return "the manifest of this Lucene index is damaged or of another version"
    except (OSError, ValueError) as error:
        return f"this Lucene index cannot be read: {error}"
    return f"these files do not match their digests: {', '.join(damaged)}" if damaged else None


def prune(cache: Path, name: str) -> Room:
    """Empty the room `name` and return what was in it; raises `UsageError` for an unknown room."""
    if name not in ROOMS:
        raise unknown_name("room of the cache", name, ROOMS)
    before = next(room for room in rooms(cache) if room.name == name)
    _remove(cache / name)
    return before


def _remove(path: Path) -> None:
    """Remove a file or a folder; a link is removed, never followed. Raises `StoreError` where that is not allowed."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot remove: {error.strerror or error}"
        raise StoreError(message, path=path, remedy="check the permissions of the cache") from error
