"""Debian packages and package indices, fetched by apt with lists and caches of its own: nothing of the system changes.

The system's sources, keys and proxies are used; signatures are checked by apt. No root is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError, MissingResourceError
from lapca_bench.resources.archives import deb_version
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.command import run_fetching
from lapca_bench.resources.http_source import RemoteFile, fetch_all

# Hooks are cleared because those of some images delete the system's own caches.
_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::Languages;
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::GzipIndexes "false";
Acquire::Languages {{ {languages} }};
"""


def _quoted(languages: tuple[str, ...]) -> str:
    return " ".join(f'"{language}";' for language in languages or ("none",))


class PrivateApt:
    """apt-get with a state folder of its own."""

    def __init__(self, folder: Path, *, languages: tuple[str, ...] = (), remedy: str) -> None:
        program = shutil.which("apt-get")
        if program is None:
            raise MissingResourceError("this machine has no apt-get", remedy=remedy)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        configuration = folder / "apt.conf"
        text = _CONFIGURATION.format(folder=folder.resolve(), languages=_quoted(languages))
        # apt run by root drops to its own user, who cannot write into a private folder.
        configuration.write_text(text + 'APT::Sandbox::User "root";\n', encoding="utf-8")
        self.lists = folder / "lists"
        self._command = [program, f"--config-file={configuration.resolve()}", "--quiet=2"]
        self._remedy = remedy

    def run(self, *arguments: str, folder: Path, description: str, size: int | None) -> None:
        """One apt-get command; raises `MissingResourceError` with what apt said."""
        run_fetching(
            [*self._command, *arguments],
            folder,
            description=description,
            size=size,
            environment={"LC_ALL": "C"},
            remedy=self._remedy,
        )

    def update(self) -> None:
        """Bring the package lists."""
        self.run("update", folder=self.lists, description="apt-get update (private lists)", size=None)


@dataclass(frozen=True)
class DebianPackages:
    """Packages kept whole, by name with the SHA-256 of `version`.

    Versions move with Debian's point releases and differ between releases, so another version is accepted: what was
    found is recorded, goes into the fingerprint of every collection made of it, and `collections check` shows the
    difference.
    """

    name: str
    version: str
    packages: Mapping[str, str] = field(hash=False)
    size: int
    made_of: str = ""  # the source package, by which a mirror's pool keeps them

    @property
    def pinned(self) -> str | None:
        """None: the folder is named by what was found."""
        return None

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Download below `folder`; returns the facts to record: version and digest of every package.

        From a Debian mirror that the user names (`LAPCA_BENCH_MIRROR`) come the packages of the pinned version, on any
        system; without one apt brings those of this machine's release.
        """
        mirror = os.environ.get("LAPCA_BENCH_MIRROR")
        if mirror and self.made_of:
            remedy = "a mirror keeps the versions of its releases; older ones lie at snapshot.debian.org, by date"
            for arrived in fetch_all(self.name, self._in_pool(mirror), remedy).values():
                arrived.replace(folder / arrived.name)
            return self._facts(folder)
        place = f"LAPCA_BENCH_DATA/{self.name}"
        remedy = (
            f"check the network and the apt sources; or get {', '.join(list(self.packages)[:2])}, ... from "
            f"packages.debian.org and put the .deb files, or what is in them, into {place}; or use another collection"
        )
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            apt = PrivateApt(Path(temporary), remedy=remedy)
            apt.update()
            apt.run("download", *self.packages, folder=folder, description=f"fetch {self.name}", size=self.size)
        return self._facts(folder)

    def _in_pool(self, mirror: str) -> list[RemoteFile]:
        """The packages as a mirror's pool keeps them: by their source's name, with the version less its epoch."""
        version = self.version.rpartition(":")[2]
        initial = self.made_of[: 4 if self.made_of.startswith("lib") else 1]
        pool = f"{mirror.rstrip('/')}/pool/main/{initial}/{self.made_of}"
        return [
            RemoteFile(file, f"{pool}/{file}", Expected(sha256=digest))
            for package, digest in self.packages.items()
            for file in [f"{package}_{version}_all.deb"]
        ]

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a folder of .deb files that the user has."""
        files = sorted(given.glob("*.deb")) if given.is_dir() else [given]
        for path in files:
            if path.name.split("_")[0] in self.packages:
                shutil.copy(path, folder / path.name)
        return self._facts(folder)

    def _facts(self, folder: Path) -> dict[str, object]:
        found = {path.name.split("_")[0]: path for path in sorted(folder.glob("*.deb"))}
        missing = [package for package in self.packages if package not in found]
        if missing:
            raise InputError(f"no .deb of {', '.join(missing)}", path=folder, remedy="add the missing packages")
        digests = {package: digest_file(path) for package, path in found.items()}
        versions = sorted({deb_version(path) for path in found.values()})
        return {"version": ", ".join(versions), "packages": digests, "as_pinned": digests == dict(self.packages)}


@dataclass(frozen=True)
class DebianDescriptions:
    """apt's indices of package descriptions, English and translated: the Translation-xx files of the main release.

    They change with every point release and with the machine's distribution; the folder is named by what was found.
    """

    name: str
    languages: tuple[str, ...]
    size: int

    @property
    def pinned(self) -> str | None:
        """None: the folder is named by what was found."""
        return None

    def fetch_into(self, folder: Path) -> dict[str, object]:
        """Bring the indices below `folder`; returns the facts to record: the releases they are of."""
        remedy = (
            "check the network and the apt sources; or put the Translation-* files of a Debian mirror "
            f"(dists/stable/main/i18n, unpacked) into LAPCA_BENCH_DATA/{self.name}; or use another collection"
        )
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            apt = PrivateApt(Path(temporary), languages=self.languages, remedy=remedy)
            apt.update()
            return self.accept(apt.lists, folder)

    def accept(self, given: Path, folder: Path) -> dict[str, object]:
        """The same from a folder of lists that the user has."""
        for language in self.languages:
            for path in translations(given, language):
                shutil.copy(path, folder / path.name)
        if not translations(folder, "en"):
            remedy = "the sources of apt must include a Debian or Ubuntu release with translated descriptions"
            raise InputError("no Translation-en here", path=given, remedy=remedy)
        return {"releases": [_release(path) for path in sorted(given.glob("*InRelease"))]}


def translations(folder: Path, language: str) -> list[Path]:
    """The description indices of a language; those of security updates repeat packages and are passed over."""
    written = language.replace("_", "%5f")  # apt's quoting of file names
    found = {*folder.glob(f"*Translation-{language}"), *folder.glob(f"*Translation-{written}")}
    return sorted(path for path in found if not re.search(r"[_-](security|updates|backports)[_-]", path.name))


def _release(path: Path) -> dict[str, str]:
    wanted = ("Origin", "Codename", "Version", "Date")
    head = path.read_text(encoding="utf-8", errors="replace")[:4000].splitlines()
    pairs = (line.split(": ", 1) for line in head if ": " in line)
    return {key: value for key, value in pairs if key in wanted}
