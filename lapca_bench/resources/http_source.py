"""One file at an https address, checked against its checksum; archives are unpacked."""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from lapca_bench.errors import MissingResourceError
from lapca_bench.progress import progress
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

    def fetch_into(self, folder: Path) -> dict[str, Any]:
        """Download, check and keep below `folder`; returns the facts to record."""
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            target = Path(temporary) / self._filename
            self._download(target)
            return self.accept(target, folder)

    def accept(self, given: Path, folder: Path) -> dict[str, Any]:
        """The same from a file that the user has."""
        require_sha256(given, self.sha256, remedy=f"fetch it again: lapca-bench fetch {self.name}")
        if is_archive(self._filename):
            unpack(given, folder, frozenset(self.members) or None)
        else:
            (folder / self._filename).write_bytes(given.read_bytes())
        return {"url": self.url, "sha256": self.sha256}

    def _download(self, target: Path) -> None:
        remedy = f"check the network, or bring the file here yourself: lapca-bench fetch {self.name} --from FILE"
        if urlparse(self.url).scheme != "https":
            raise MissingResourceError(f"{self.url} is not https", remedy=remedy)
        try:
            with (
                urllib.request.urlopen(self.url, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310 (https only, above)
                target.open("wb") as out,
                progress(f"fetch {self.name}", self.size, "B") as bar,
            ):
                while block := answer.read(_BLOCK):
                    out.write(block)
                    bar.advance(len(block))
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise MissingResourceError(f"cannot fetch {self.url}: {error}", remedy=remedy) from error
