"""`Shelf`: where an encoder's shards lie, in a folder of this machine and perhaps in a store that machines share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lapca_bench.atomic import write_bytes
from lapca_bench.digest import digest_bytes
from lapca_bench.errors import StoreError
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root
from lapca_bench.store.shard import (
    ShardManifest,
    Stored,
    check_shard,
    manifest_file,
    open_shard,
    parse_manifest,
    read_manifest,
    vector_file,
    write_manifest,
)
from lapca_bench.store.shared import Shared

log = logging.getLogger(__name__)

ROOM = "vectors"


@dataclass(frozen=True)
class Home:
    """The root of a vector store on this machine, and the store that it shares with others.

    Where there is a shared store, each machine has a cache of its own: pickled, a home loses its folder, and is below
    the cache of whoever opens it.
    """

    root: Path
    shared: Shared | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Home, (self.root,)) if self.shared is None else (_home_here, (self.shared,))


def _home_here(shared: Shared) -> Home:
    return Home(cache_root() / ROOM, shared)


@dataclass(frozen=True)
class Shelf:
    """The shards of one encoder, in the folder `name` of a home."""

    home: Home
    name: str

    @property
    def folder(self) -> Path:
        """Where they are memory-mapped from."""
        return self.home.root / self.name

    def has(self, address: str) -> bool:
        """Whether a shard need not be computed."""
        if manifest_file(self.folder, address).exists():
            return True
        shared = self.home.shared
        return shared is not None and self._manifest_name(address) in known(shared, self._place)

    def here(self, address: str) -> ShardManifest | None:
        """The manifest of a shard that is on this machine; the shared store gets what it lacks."""
        path = manifest_file(self.folder, address)
        if not path.exists():
            return None
        manifest = read_manifest(path)
        self.share(manifest)
        return manifest

    def find(self, address: str) -> ShardManifest | None:
        """The manifest of a shard that is here or in the shared store; its vectors stay there until they are opened."""
        manifest = self.here(address)
        shared = self.home.shared
        if manifest is not None or shared is None:
            return manifest
        name = self._manifest_name(address)
        content = shared.read(name)
        if content is None:
            _check_writable(shared)
            return None
        try:
            return parse_manifest(content, address)
        except ValueError as error:
            message = f"damaged: the manifest {shared.where(name)}: {error}"
            raise StoreError(message, remedy=self._repair(address)) from error

    def share(self, manifest: ShardManifest) -> None:
        """Put a shard of this machine into the shared store, unless it is there: the vectors, then the manifest."""
        shared = self.home.shared
        if shared is None:
            return
        names = self._vector_name(manifest), self._manifest_name(manifest.address)
        there = known(shared, self._place)
        if there.issuperset(names):
            return
        check_shard(self.folder, manifest)
        for name, path in zip(names, (vector_file, manifest_file), strict=True):
            shared.write(name, path(self.folder, manifest.address).read_bytes())
            there.add(name)

    def open(self, manifest: ShardManifest) -> Stored:
        """The vectors, memory-mapped read-only; a shard that is not here, or damaged, comes from the shared store.

        Raises `StoreError` where they are damaged or missing.
        """
        shared = self.home.shared
        if shared is None:
            return open_shard(self.folder, manifest)
        try:
            return open_shard(self.folder, manifest)
        except StoreError:
            with exclusive(self.folder / "locks", manifest.address):
                self._fetch(shared, manifest)
        return open_shard(self.folder, manifest)

    def _fetch(self, shared: Shared, manifest: ShardManifest) -> None:
        path = vector_file(self.folder, manifest.address)
        if path.exists() and _is_whole(self.folder, manifest):
            return  # another process has fetched it meanwhile
        name = self._vector_name(manifest)
        content = shared.read(name)
        if content is None:
            message = f"missing: the vectors {shared.where(name)}"
            raise StoreError(message, remedy=self._repair(manifest.address))
        found = digest_bytes(content)
        if found != manifest.sha256:
            message = f"damaged: {shared.where(name)} (expected digest {manifest.sha256[:12]}, found {found[:12]})"
            raise StoreError(message, remedy=self._repair(manifest.address))
        write_bytes(path, content)
        write_manifest(self.folder, manifest)
        log.debug("fetched %s", shared.where(name))

    @property
    def _place(self) -> str:
        return f"{ROOM}/{self.name}"

    def _manifest_name(self, address: str) -> str:
        return f"{self._place}/{address[:2]}/{address}.json"

    def _vector_name(self, manifest: ShardManifest) -> str:
        address = manifest.address
        return f"{self._place}/{address[:2]}/{address}.{manifest.sha256[:16]}.npy"

    def _repair(self, address: str) -> str:
        assert self.home.shared is not None  # noqa: S101 (asked of what came from there)
        place = self.home.shared.where(self._manifest_name(address))
        return f"delete {place}; the next run puts the shard there again"


@cache
def known(shared: Shared, folder: str) -> set[str]:
    """Names that were in the shared store when this process first asked, and those that it has written since.

    One listing for all shards of an encoder; a shard that another process has put there since is written again, the
    same.
    """
    return shared.names(folder)


@cache
def _check_writable(shared: Shared) -> None:
    """Once per process, before anything is encoded: raise `StoreError` where what is encoded could not be put."""
    shared.write("lapca-bench.txt", b"Vectors shared by lapca-bench.\n")


def _is_whole(folder: Path, manifest: ShardManifest) -> bool:
    try:
        check_shard(folder, manifest)
    except StoreError:
        return False
    return True


class Shards(Sequence[Any]):
    """Memory-mapped matrices, each opened when it is asked for: a system lets a process open only so many files."""

    def __init__(self, shelf: Shelf, manifests: Sequence[ShardManifest]) -> None:
        self._shelf = shelf
        self._manifests = manifests

    def __len__(self) -> int:
        """Number of shards."""
        return len(self._manifests)

    def __getitem__(self, place: Any) -> Any:
        """The shard at this place, opened now; for a slice, the shards of it, not opened."""
        if isinstance(place, slice):
            return Shards(self._shelf, self._manifests[place])
        return self._shelf.open(self._manifests[place])

    def __iter__(self) -> Iterator[Any]:
        """All shards, one after the other."""
        return (self[place] for place in range(len(self)))
