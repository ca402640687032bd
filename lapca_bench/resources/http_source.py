"""Files at https addresses, each checked against its checksum: one (unpacked if an archive), or a list of them."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError, MissingResourceError
from lapca_bench.progress import Progress, progress
from lapca_bench.resources.archives import is_archive, unpack
from lapca_bench.resources.checksum import require_sha256

_BLOCK = 1024 * 1024
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class HttpFile:
    """A file at `url`; `members` are kept of an archive (all when empty), any other file is kept as it is."""

    name: str
    url: str
    sha256: str
    size: int
    members: tuple[str, ...] = ()

    @property
    def pinned(self) -> str | None:
        """The digest that the resource's folder is named by."""
        return self.sha256

    @property
    def _filename(self) -> str:
        return PurePosixPath(urlparse(self.url).path).name

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download, check and keep below `folder`; returns the facts to record."""
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            target = Path(temporary) / self._filename
            remedy = f"check the network, or bring the file here yourself: lapca-bench fetch {self.name} --from FILE"
            with progress(f"fetch {self.name}", self.size, "B") as bar:
                _download(self.url, target, bar, remedy)
            return self.accept(target, folder)

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a file that the user has."""
        require_sha256(given, self.sha256, remedy=f"fetch it again: lapca-bench fetch {self.name}")
        if is_archive(self._filename):
            unpack(given, folder, frozenset(self.members) or None)
        else:
            (folder / self._filename).write_bytes(given.read_bytes())
        return {"url": self.url, "sha256": self.sha256}


@dataclass(frozen=True)
class PinnedFile:
    """One file of a list: its path below the list's address, which is also where it is kept, and what it must be."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class HttpFiles:
    """Files below the address `base`, such as a folder of a repository at one commit; kept with their paths."""

    name: str
    base: str
    files: tuple[PinnedFile, ...]

    @property
    def pinned(self) -> str | None:
        """The digest of the whole list."""
        return digest_value({file.path: file.sha256 for file in self.files})

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download and check one after the other; returns the facts to record."""
        remedy = f"check the network, or bring the files here in a folder: lapca-bench fetch {self.name} --from FOLDER"
        with progress(f"fetch {self.name}", sum(file.size for file in self.files), "B") as bar:
            for file in self.files:
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                _download(f"{self.base}/{file.path}", target, bar, remedy)
                require_sha256(target, file.sha256, remedy=f"fetch it again: lapca-bench fetch {self.name}")
        return {"base": self.base}

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a folder that holds the files, under their paths or their names alone, or from one file."""
        for file in self.files:
            name = PurePosixPath(file.path).name
            places = (given, given / file.path, given / name)
            source = next((place for place in places if place.is_file() and place.name == name), None)
            if source is None:
                remedy = f"it must hold the {len(self.files)} files of {self.base}"
                raise InputError(f"there is no {file.path} here", path=given, remedy=remedy)
            require_sha256(source, file.sha256, remedy=f"fetch it again from {self.base}/{file.path}")
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return {"base": self.base}


def _download(url: str, target: Path, bar: Progress, remedy: str) -> None:
    if urlparse(url).scheme != "https":
        raise MissingResourceError(f"{url} is not https", remedy=remedy)
    try:
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310 (https only, above)
            target.open("wb") as out,
        ):
            while block := answer.read(_BLOCK):
                out.write(block)
                bar.advance(len(block))
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise MissingResourceError(f"cannot fetch {url}: {error}", remedy=remedy) from error
