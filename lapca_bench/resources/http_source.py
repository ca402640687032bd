"""Files at addresses, each checked: one (unpacked if an archive), or a list of them, several at a time.

What arrived lies in the cache's folder `downloads` until the resource is whole, so that a fetch that was killed goes on
where it stopped. A file that fails does not stop the others; all failures are told together at the end.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError, LapcaError, MissingResourceError
from lapca_bench.paths import cache_root
from lapca_bench.progress import Progress, progress
from lapca_bench.resources.archives import is_archive, unpack
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.download import download
from lapca_bench.resources.first_seen import require_as_first_seen
from lapca_bench.resources.patience import Patience

_AT_ONCE = 4  # files; more would be unkind to the servers


@dataclass(frozen=True)
class RemoteFile:
    """One file: the path it is kept at, its address, what it must be, and its bytes as stated (0: not)."""

    path: str
    url: str
    expected: Expected
    size: int = 0

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it is asked for, in order: the user's mirror (`LAPCA_BENCH_MIRROR`, laid out as HOST/PATH) first."""
        mirror = os.environ.get("LAPCA_BENCH_MIRROR")
        if not mirror or self.url.startswith(mirror):
            return (self.url,)
        place = urlsplit(self.url)
        return (f"{mirror.rstrip('/')}/{place.netloc}{place.path}", self.url)


@dataclass(frozen=True)
class HttpFiles:
    """Files at addresses, such as a folder of a repository at one commit or the parts of a corpus.

    Each is kept at its path; what an archive holds is kept in its place. `base` says in words or as an address where
    they come from.
    """

    name: str
    base: str
    files: tuple[RemoteFile, ...]

    @property
    def pinned(self) -> str | None:
        """The digest of the whole list; None where a file of it has none."""
        if not all(file.expected.pinned for file in self.files):
            return None
        return digest_value({file.path: file.expected.sha256 or file.expected.md5 for file in self.files})

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download, check and keep below `folder`; returns the facts to record.

        A file without a published digest must be the one that was fetched first (`first_seen`).
        """
        remedy = f"check the network, or bring the files here in a folder: lapca-bench fetch {self.name} --from FOLDER"
        for file, arrived in fetch_all(self.name, self.files, remedy).items():
            if not file.expected.pinned:
                require_as_first_seen(file.url, arrived)
            if is_archive(file.path):
                unpack(arrived, folder)
            else:
                arrived.replace(_place(folder, file))
        return {"base": self.base}

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a folder that holds the files, under their paths or their names alone, or from one file."""
        for file in self.files:
            name = PurePosixPath(file.path).name
            places = (given, given / file.path, given / name)
            source = next((place for place in places if place.is_file() and place.name == name), None)
            if source is None:
                wanted = f"the {len(self.files)} files of {self.base}" if len(self.files) > 1 else file.url
                raise InputError(f"there is no {file.path} here", path=given, remedy=f"it must hold {wanted}")
            if (wrong := file.expected.difference(source)) is not None:
                raise InputError(wrong, path=source, remedy=f"fetch it again from {file.url}")
            if is_archive(file.path):
                unpack(source, folder)
            else:
                shutil.copyfile(source, _place(folder, file))
        return {"base": self.base}


def _place(folder: Path, file: RemoteFile) -> Path:
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


@dataclass(frozen=True)
class _SharedBar:
    """A bar that several threads advance, and through which they learn that the user gave up."""

    bar: Progress
    stopped: threading.Event
    lock: threading.Lock = field(default_factory=threading.Lock)

    def advance(self, amount: int = 1) -> None:
        """Say that `amount` more bytes arrived."""
        if self.stopped.is_set():
            raise MissingResourceError("interrupted; what arrived is kept")
        with self.lock:
            self.bar.advance(amount)


def waiting_folder(name: str) -> Path:
    """The folder in which what arrives of a resource waits until all of it is here."""
    return cache_root() / "downloads" / name


def fetch_all(name: str, files: Sequence[RemoteFile], remedy: str) -> Mapping[RemoteFile, Path]:
    """The files, downloaded and checked, each at a path below `waiting_folder(name)`.

    Raises `MissingResourceError` with every file that could not be brought and why; those that could are kept there.
    """
    waiting = waiting_folder(name)
    sizes = [file.size for file in files]
    total = sum(sizes) if all(sizes) else None
    stopped = threading.Event()
    arrived, failed = {}, {}
    with progress(f"fetch {name}", total, "B") as bar, ThreadPoolExecutor(_AT_ONCE, "fetch") as pool:
        shared = _SharedBar(bar, stopped)
        running = {pool.submit(_bring, file, waiting, shared, remedy): file for file in files}
        try:
            for done in as_completed(running):
                try:
                    arrived[running[done]] = done.result()
                except LapcaError as error:
                    failed[running[done]] = error
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if len(files) == 1 and failed:
        raise next(iter(failed.values()))
    if failed:
        listed = "\n".join(f"  {file.path}: {failed[file].message}" for file in files if file in failed)
        raise MissingResourceError(
            f"{len(failed)} of {len(files)} files could not be fetched; the others are kept:\n{listed}", remedy=remedy
        )
    return {file: arrived[file] for file in files}


def _bring(file: RemoteFile, waiting: Path, bar: _SharedBar, remedy: str) -> Path:
    target = waiting / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file():
        if file.expected.difference(target) is None:
            bar.advance(target.stat().st_size)
            return target
        target.unlink()

    def wait(seconds: float) -> None:
        bar.stopped.wait(seconds)
        bar.advance(0)

    download(file.urls, target, file.expected, bar, remedy=remedy, patience=Patience(wait=wait))
    return target
