"""Reading members of zip, tar and Debian archives that came from outside, with every check before a byte is written.

Refused: absolute names, names that climb out of the folder, links and devices among the wanted members, members or
totals above a limit, and archives that unpack to more than `MAX_RATIO` times their own size.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lapca_bench.errors import InputError

MAX_MEMBER = 4 * 1024**3
MAX_TOTAL = 32 * 1024**3
MAX_RATIO = 200  # text compresses 5 to 30 times; an archive of zeros a thousand times
_RATIO_FLOOR = 10 * 1024**2  # tiny archives may have any ratio
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60

Wanted = Callable[[str], bool]
# What the standard library's readers raise for bytes that are no archive, or only the beginning of one.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


def _refuse(archive: Path, message: str) -> InputError:
    return InputError(message, path=archive, remedy="do not use this file; fetch it again from its publisher")


class _Limits:
    """Counts what an archive claims to hold and stops at the limits."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._allowed = max(archive.stat().st_size * MAX_RATIO, _RATIO_FLOOR)
        self._total = 0

    def check(self, name: str, size: int) -> str:
        """The normalised name of a member of `size` bytes; raises `InputError` where it must not be unpacked."""
        path = PurePosixPath(name)
        if "\\" in name or "\0" in name or ":" in name.partition("/")[0] or path.is_absolute() or ".." in path.parts:
            raise _refuse(self._archive, f"the archive holds a member with an unsafe name: {name!r}")
        self._total += size
        if size > MAX_MEMBER or self._total > MAX_TOTAL:
            raise _refuse(self._archive, f"the archive unpacks to too much: {name!r} has {size} bytes")
        if self._total > self._allowed:
            raise _refuse(self._archive, f"the archive unpacks to more than {MAX_RATIO} times its own size")
        return str(path)


class _Member(io.RawIOBase):
    """The bytes of a member; damage that shows only while it is read is the same clear error."""

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream = stream
        self._archive = archive

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as there is something."""
        try:
            content = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise _refuse(self._archive, f"the archive is damaged: {error}") from error
        buffer[: len(content)] = content
        return len(content)


def _zip_members(archive: Path, wanted: Wanted) -> Iterator[tuple[str, IO[bytes]]]:
    limits = _Limits(archive)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            name = limits.check(info.filename, info.file_size)
            if info.is_dir() or not wanted(name):
                continue
            if (info.external_attr >> 16) & 0o170000 == 0o120000:
                raise _refuse(archive, f"the member {name!r} is a link")
            with opened.open(info) as stream:
                yield name, io.BufferedReader(_Member(stream, archive))


def _tar_members(archive: Path, stream: IO[bytes] | None, wanted: Wanted) -> Iterator[tuple[str, IO[bytes]]]:
    limits = _Limits(archive)
    with tarfile.open(archive if stream is None else None, mode="r|*", fileobj=stream) as opened:
        for info in opened:
            name = limits.check(info.name, info.size)
            if info.isdir() or not wanted(name):
                continue
            content = opened.extractfile(info) if info.isreg() else None
            if content is None:
                raise _refuse(archive, f"the member {name!r} is a link or a device")
            yield name, io.BufferedReader(_Member(content, archive))


def _part_of_deb(archive: Path, part: str) -> IO[bytes]:
    """The tar named `part` of a .deb: an `ar` archive, a magic and then a header of 60 bytes before each member."""
    whole = archive.stat().st_size
    with archive.open("rb") as handle:
        if handle.read(len(_AR_MAGIC)) != _AR_MAGIC:
            raise _refuse(archive, "this is no Debian package")
        while header := handle.read(_AR_HEADER):
            name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), header[48:58].strip()
            if len(header) < _AR_HEADER or not size.isdigit() or int(size) > whole:
                break
            if name.startswith(f"{part}.tar"):
                content = handle.read(int(size))
                if len(content) < int(size):
                    break
                return _zstd(content) if name.endswith(".zst") else io.BytesIO(content)
            handle.seek(int(size) + int(size) % 2, io.SEEK_CUR)
    raise _refuse(archive, "the Debian package is cut short")


def _zstd(content: bytes) -> IO[bytes]:
    """A stream over zstd, which Ubuntu's packages use and Python's tarfile of these versions cannot read."""
    import pyarrow as pa

    stream: IO[bytes] = pa.CompressedInputStream(pa.BufferReader(content), "zstd")
    return stream


def members(archive: Path, wanted: Wanted) -> Iterator[tuple[str, IO[bytes]]]:
    """(name, stream) of the members whose name `wanted` accepts, in archive order; read each before the next.

    Understands .zip, .whl, .tar, .tar.gz/.bz2/.xz and .deb. Raises `InputError` for anything unsafe or broken.
    """
    try:
        if archive.suffix in {".zip", ".whl"}:
            yield from _zip_members(archive, wanted)
        elif archive.suffix == ".deb":
            yield from _tar_members(archive, _part_of_deb(archive, "data"), wanted)
        else:
            yield from _tar_members(archive, None, wanted)
    except _BROKEN as error:
        raise _refuse(archive, f"the archive is damaged: {error}") from error


def deb_version(archive: Path) -> str:
    """The version field of a Debian package's control file."""
    try:
        for _, stream in _tar_members(archive, _part_of_deb(archive, "control"), lambda name: name == "control"):
            for line in stream.read().decode("utf-8", "replace").splitlines():
                if line.startswith("Version:"):
                    return line.removeprefix("Version:").strip()
    except _BROKEN as error:
        raise _refuse(archive, f"the archive is damaged: {error}") from error
    raise _refuse(archive, "the Debian package states no version")


def is_archive(name: str) -> bool:
    """Whether `members` understands a file of this name."""
    return name.endswith((".zip", ".whl", ".deb", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz"))


def unpack(archive: Path, folder: Path, names: frozenset[str] | None = None) -> list[str]:
    """Write the members `names` (all when None) below `folder` and return their names in archive order.

    Raises `InputError` when one of `names` is not in the archive, and for everything that `members` refuses.
    """
    written = []
    for name, stream in members(archive, lambda name: names is None or name in names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            while block := stream.read(1024 * 1024):
                out.write(block)
        written.append(name)
    missing = sorted((names or frozenset()) - set(written))
    if missing:
        raise _refuse(archive, f"the archive lacks {', '.join(missing)}")
    return written
