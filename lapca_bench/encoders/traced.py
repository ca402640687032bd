"""What a user's code reads while it is made and probed: files, and variables of the environment.

Files are seen by Python's audit hook, and by what is mapped into memory afterwards (safetensors); those of the Python
installation and those that the code itself writes are left out. Of environment variables, those that code outside the
installation asks for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

from lapca_bench.digest import digest_file, digest_value

_ACTIVE: list[Trace] = []
_MAPS = Path("/proc/self/maps")


class Trace:
    """What was read while this one was `recording`."""

    def __init__(self) -> None:
        self.read: dict[Path, None] = {}
        self.written: set[Path] = set()
        self.environment: dict[str, str | None] = {}

    @contextmanager
    def recording(self) -> Iterator[Trace]:
        """Note what is read inside."""
        _listen()
        before = _mapped()
        _ACTIVE.append(self)
        try:
            yield self
        finally:
            _ACTIVE.remove(self)
            for path in _mapped() - before:
                self.note(path, writing=False)

    def note(self, path: str, *, writing: bool) -> None:
        """One opened file."""
        with contextlib.suppress(OSError, ValueError):
            if path.endswith(".pyc"):
                path = importlib.util.source_from_cache(path)
            place = Path(os.path.realpath(path))
            if writing:
                self.written.add(place)
            elif not installed(place) and place.is_file():
                self.read[place] = None

    @property
    def files(self) -> list[Path]:
        """The files that were read and not written."""
        return sorted(path for path in self.read if path not in self.written and path.is_file())

    @property
    def digest(self) -> str:
        """SHA-256 over names and bytes of the files and over the variables."""
        files = sorted([path.name, digest_file(path)] for path in self.files)
        return digest_value({"files": files, "environment": self.environment})


@cache
def _roots() -> tuple[str, ...]:
    """Folders whose content is the installation's: known by its releases."""
    found = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    found |= {str(Path(os.__file__).parent), str(Path(__file__).parents[1]), "/proc", "/sys", "/dev", "/etc"}
    roots = {os.path.realpath(folder) for folder in found} - {os.path.realpath(sys.prefix), "/"}
    return tuple(sorted(f"{root}{os.sep}" for root in roots))


def installed(path: Path) -> bool:
    """Whether a file belongs to Python, to an installed package or to the system."""
    return path.suffix in (".so", ".pth") or str(path).startswith(_roots())


def _mapped() -> set[str]:
    try:
        lines = _MAPS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return set()
    places = (line.split(maxsplit=5) for line in lines)
    return {place[5] for place in places if len(place) == 6 and place[5].startswith("/")}


@cache
def _listen() -> None:
    """Hear of files and variables from now on; an audit hook cannot be taken away again, so it does little."""
    sys.addaudithook(_hear)
    look_up = os._Environ.__getitem__

    def heard(self: os._Environ[str], key: str) -> str:
        value = None
        try:
            value = look_up(self, key)
            return value
        finally:
            if _ACTIVE and self is os.environ and _asked_by_a_user():
                for trace in _ACTIVE:
                    trace.environment[str(key)] = value

    os._Environ.__getitem__ = heard  # type: ignore[method-assign, assignment]


def _asked_by_a_user() -> bool:
    """Whether the code that asks, below the standard library's own steps, lies outside the installation."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.rpartition("/")[2] in ("os.py", "_collections_abc.py"):
        frame = frame.f_back
    name = frame.f_code.co_filename if frame is not None else ""
    return not name.startswith(("<frozen", *_roots()))


def _hear(event: str, about: tuple[object, ...]) -> None:
    if not _ACTIVE or event not in ("open", "sqlite3.connect"):
        return
    path = about[0]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str):
        return
    flags = about[2] if event == "open" and len(about) > 2 and isinstance(about[2], int) else 0
    writing = bool(flags & (os.O_WRONLY | os.O_RDWR))
    for trace in _ACTIVE:
        trace.note(path, writing=writing)


_TRACES: dict[int, tuple[object, Trace]] = {}  # by the identity of an object, which is kept alive with it


def remember(thing: object, trace: Trace) -> None:
    """That `thing` was made while `trace` was recording."""
    _TRACES[id(thing)] = thing, trace


def trace_of(thing: object) -> Trace:
    """What was recorded while `thing` was made; empty for one that a program brought along."""
    return _TRACES[id(thing)][1] if id(thing) in _TRACES else Trace()
