"""The cache as a whole: how large its rooms are, whether what they hold is undamaged, and emptying one.

All of it can be made or fetched again; nothing here touches results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.atomic import is_temporary, remove, sweep
from lapca_bench.errors import StoreError, unknown_name
from lapca_bench.lock import exclusive
from lapca_bench.resources import damaged_folders
from lapca_bench.sealed import DIGESTS, check_folder, damage, read_sealed
from lapca_bench.store.shard import check_shard, read_manifest, vector_file

# What the rooms hold. Folders that are not named here belong to somebody else and are left alone.
ROOMS = {
    "resources": "fetched weights and corpora",
    "checkpoints": "weights converted from fetched ones",
    "collections": "parsed corpora",
    "digests": "digests of large input files",
    "vectors": "encoded texts",
    "indexes": "Lucene indexes",
    "faiss": "faiss indexes",
    "exports": "models exported for other backends",
    "linked": "places of linked Wikipedia pages",
    "numba": "compiled code of earlier versions, not read any more",
}

_MISMATCH = "these files do not match their digests"


@dataclass(frozen=True)
class Room:
    """One room: files and bytes in it."""

    name: str
    holds: str
    files: int
    size: int


@dataclass(frozen=True)
class Damage:
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


def verify(cache: Path, repair: bool = False) -> Iterator[Damage]:
    """Everything damaged in `cache`, found by its digests, and what killed processes left behind, as it is found.

    With `repair` each is removed, the manifest first, so that the next run makes (or fetches) it again.
    """
    yield from _damaged_resources(cache, repair)
    for room in ("checkpoints", "collections", "faiss", "exports", "linked"):
        yield from _damaged_folders(cache / room, repair)
    yield from _damaged_shards(cache / "vectors", repair)
    yield from _damaged_indexes(cache / "indexes", repair)
    for path in sweep(cache):
        if repair:
            _remove(path)
        yield Damage(path, "left behind by a process that was killed", repair)


def _damaged_resources(cache: Path, repair: bool) -> Iterator[Damage]:
    for folder, names in damaged_folders(cache).items():
        if repair:
            _remove(folder)
        yield Damage(folder, f"{_MISMATCH}: {', '.join(names)}", repair)


def _whole(paths: Iterable[Path]) -> list[Path]:
    """Paths of what was finished; temporaries of writers at work hold manifests too."""
    return sorted(path for path in paths if not is_temporary(path))


def _damaged_folders(root: Path, repair: bool) -> Iterator[Damage]:
    for listing in _whole(root.rglob(DIGESTS)):
        try:
            check_folder(listing.parent, "")
        except StoreError as error:
            if repair:
                _remove(listing.parent)
            yield Damage(listing.parent, error.message, repair)


def _damaged_shards(root: Path, repair: bool) -> Iterator[Damage]:
    for path in _whole(root.glob("*/??/*.json")):
        folder = path.parent.parent
        try:
            check_shard(folder, read_manifest(path))
        except StoreError as error:
            if repair:
                with exclusive(folder / "locks", path.stem):
                    _remove(path)
                    _remove(vector_file(folder, path.stem))
            yield Damage(error.path or path, error.message, repair)


def _damaged_indexes(root: Path, repair: bool) -> Iterator[Damage]:
    for manifest in _whole(root.glob("*/index.json")):
        message = _index_damage(manifest)
        if message is not None:
            if repair:
                with exclusive(root / "locks", manifest.parent.name):
                    _remove(manifest.parent)
            yield Damage(manifest.parent, message, repair)


def _index_damage(manifest: Path) -> str | None:
    try:
        damaged = damage(manifest.parent, dict(read_sealed(manifest, "")["files"]))
    except StoreError as error:
        return error.message
    except (KeyError, TypeError, ValueError):
        return "the manifest of this Lucene index is damaged or of another version"
    return f"{_MISMATCH}: {', '.join(damaged)}" if damaged else None


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
        remove(path)
    except OSError as error:
        message = f"cannot remove: {error.strerror or error}"
        raise StoreError(message, path=path, remedy="check the permissions of the cache") from error
