"""Rule-based translation with Apertium: Debian's packages, run from the cache and never installed.

A mode of Apertium is a pipe of small programs. It is read as words and not by a shell: the programs run one after the
other, each on the whole output of the last, with the paths of their data moved below the unpacked packages.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lapca_bench.atomic import atomic_folder
from lapca_bench.digest import digest_value
from lapca_bench.errors import EncoderError, InputError, UsageError
from lapca_bench.paths import cache_root
from lapca_bench.resources import locate, manifest
from lapca_bench.resources.archives import members

RESOURCE = "apertium"
# The modes, one after the other, that lead from each language into English.
ROUTES = {"es": ("spa-eng",), "fr": ("fr-es", "spa-eng")}
_SECONDS = 600  # of one program on one call's texts
_REMEDY = "lapca-bench fetch apertium"

_SHARE = "usr/share/apertium"
_KEPT = re.compile(
    rf"usr/bin/[\w-]+|{_SHARE}/(modes/[\w-]+\.mode|apertium-[\w-]+/.+)|usr/lib/[\w-]+/[^/]+\.so\.\d+\.[\d.]+"
)
_RESERVED = re.compile(r"[\\\[\]{}^$/@<>]")
_ESCAPED = re.compile(r"\\(.)")
_BREAK = "[][\n]"  # what Apertium takes for layout stands in brackets and comes out as it went in


class Apertium:
    """A `Translator` into English from the languages of `ROUTES`; words that it does not know stay as they are."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """The packages' digests and the modes."""
        packages = manifest(locate(RESOURCE))["packages"]
        return {"name": "apertium", "packages": packages, "routes": {one: list(way) for one, way in ROUTES.items()}}

    def sources(self, target: str) -> frozenset[str]:
        """The languages with a route, where `target` is English."""
        return frozenset(ROUTES) if target == "en" else frozenset()

    def check(self) -> None:
        """Raise `MissingResourceError` where the packages are not here."""
        locate(RESOURCE)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text; raises `UsageError` for a pair without a route."""
        if source not in self.sources(target):
            raise UsageError(f"no Apertium route from {source} into {target}")
        done = list(texts)
        root = unpacked()
        for mode in ROUTES[source]:
            done = _through(done, commands(root, mode), root)
        return done


def unpacked() -> Path:
    """The folder of programs, libraries and data, unpacked from the packages when first asked for."""
    source = locate(RESOURCE)
    folder = cache_root() / "apertium" / digest_value(manifest(source)["packages"])[:16]
    if folder.is_dir():
        return folder
    with atomic_folder(folder) as temporary:
        for package in sorted(source.glob("*.deb")):
            for name, stream in members(package, lambda name: _KEPT.fullmatch(name.removeprefix("./")) is not None):
                target = temporary / name.removeprefix("./")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(stream.read())
                if "/bin/" in name:
                    target.chmod(0o755)
                elif "/lib/" in name:  # libraries are asked for by their major version, a link in the package
                    short = re.sub(r"(\.so\.\d+)\..*", r"\1", target.name)
                    target.with_name(short).symlink_to(target.name)
    return folder


def commands(root: Path, mode: str) -> list[list[str]]:
    """The programs of a mode with their arguments; raises `InputError` for a mode that is no plain pipe."""
    path = root / _SHARE / "modes" / f"{mode}.mode"
    if not path.is_file():
        raise InputError("there is no such mode of Apertium", path=path, remedy=_REMEDY)
    # $1 says how words without a translation come out (-n: unmarked), $2 asks for marks on ambiguous ones (none).
    words = shlex.split(path.read_text(encoding="utf-8").replace("$1", "-n").replace("$2", ""))
    found: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word.replace(f"/{_SHARE}", str(root / _SHARE)))
    programs = {one.name for one in (root / "usr" / "bin").iterdir()}
    for command in found:
        if not command or command[0] not in programs:
            raise InputError(f"a pipe with {command[:1] or 'nothing'} in it", path=path, remedy=_REMEDY)
        command[0] = str(root / "usr" / "bin" / command[0])
    return found


def _through(texts: Sequence[str], pipe: Sequence[Sequence[str]], root: Path) -> list[str]:
    """The texts after every program of a pipe."""
    lines = [_RESERVED.sub(r"\\\g<0>", " ".join(text.replace("\0", " ").split())) for text in texts]
    stream = "".join(line + _BREAK for line in lines).encode("utf-8", "replace")
    libraries = ":".join(str(folder) for folder in sorted((root / "usr" / "lib").iterdir()))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries, "LC_ALL": "C.UTF-8"}
    for command in pipe:
        try:
            done = subprocess.run(  # noqa: S603 (a program of the packages, no shell)
                command, input=stream, capture_output=True, env=environment, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EncoderError(f"Apertium's {Path(command[0]).name} failed: {error}", remedy=_REMEDY) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-200:]
            raise EncoderError(f"Apertium's {Path(command[0]).name} failed: {said}", remedy=_REMEDY)
        stream = done.stdout
    out = stream.decode("utf-8", "replace").split(_BREAK)[:-1]
    if len(out) != len(texts):
        raise EncoderError(f"Apertium returned {len(out)} texts for {len(texts)}", remedy=_REMEDY)
    return [_ESCAPED.sub(r"\1", text).strip() for text in out]
