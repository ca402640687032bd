"""Files that may be compressed, known by their first bytes and never by their name: gzip, bzip2, xz, lzma and zstd.

A stranger's file of a megabyte may unpack to a terabyte: what unpacks to more than `MAX_RATIO` times its own size is
refused once it is larger than `FLOOR`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from pathlib import Path
from typing import IO, Any, cast

from lapca_bench.errors import InputError

MAX_RATIO = 200  # text compresses 5 to 30 times; zeros a thousand times
FLOOR = 256 * 1024**2
ENDINGS = (".gz", ".bz2", ".xz", ".zst")
PARQUET = b"PAR1"

_HEAD = 16  # bytes that tell how a file is compressed
_BLOCK = 1 << 20
_DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
# The number of bzip2's first block, or of its end where there is none: a run may well begin with "BZh1".
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_READ = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"]\0\0": "lzma", b"(\xb5/\xfd": "zstd"}
_NOT_READ = {
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf'\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x1f\x9d": "compress (.Z)",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\0\0sNaPpY": "snappy",
}


def compression_of(head: bytes) -> str | None:
    """What the first bytes of a file say that it is compressed by, read here or not; None for anything else."""
    if _BZIP2.match(head):
        return "bzip2"
    known = {**_READ, **_NOT_READ}
    return next((name for magic, name in known.items() if head.startswith(magic)), None)


def without_ending(path: Path) -> Path:
    """`path` without an ending that says how it is compressed ("corpus.jsonl.zst" → "corpus.jsonl")."""
    return path.with_suffix("") if path.suffix in ENDINGS else path


def opened(path: Path) -> IO[bytes]:
    """The content of a file, unpacked where it is compressed, as a stream.

    Raises `InputError`, also while it is read, for a file that cannot be opened, is damaged, ends too early or unpacks
    to too much.
    """
    try:
        plain = path.open("rb")
        head = plain.read(_HEAD)
        plain.seek(0)
    except OSError as error:
        message = f"cannot read: {error.strerror or error}"
        raise InputError(message, path=path, remedy="check the path and the file") from error
    name = compression_of(head)
    if name is None:
        if not head and path.suffix in ENDINGS:
            raise InputError("empty, which no compressed file is", path=path, remedy="bring the file again")
        return plain
    if name in _NOT_READ.values():
        plain.close()
        raise InputError(f"compressed by {name}", path=path, remedy=f"unpack it first; {', '.join(ENDINGS)} are read")
    return io.BufferedReader(_Unpacked(_STREAMS[name](plain), plain, path, name), _BLOCK)


def content_of(path: Path) -> bytes:
    """The whole content of a file, unpacked where it is compressed; raises `InputError` as `opened` does."""
    with opened(path) as stream:
        try:
            return stream.read()
        except OSError as error:
            raise InputError(f"cannot read: {error.strerror or error}", path=path, remedy="check the file") from error


def compressed(content: bytes, path: Path) -> bytes:
    """`content` as the ending of `path` says; equal content makes equal bytes, because no time is written."""
    match path.suffix:
        case ".gz":
            return gzip.compress(content, mtime=0)
        case ".bz2":
            return bz2.compress(content)
        case ".xz":
            return lzma.compress(content)
        case ".zst":
            import pyarrow as pa

            return cast("bytes", pa.compress(content, codec="zstd", asbytes=True))
    return content


def _zstd(stream: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    unpacked: IO[bytes] = pa.CompressedInputStream(stream, "zstd")
    return unpacked


# Each opens a stream of compressed bytes as a stream of their content.
_STREAMS: dict[str, Any] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "lzma": lzma.open,
    "zstd": _zstd,
}


class _Unpacked(io.RawIOBase):
    """The bytes of a compressed file, counted; whatever its library finds is one kind of error."""

    def __init__(self, stream: IO[bytes], plain: IO[bytes], path: Path, name: str) -> None:
        self._stream = stream
        self._plain = plain
        self._path = path
        self._name = name
        self._left = max(FLOOR, path.stat().st_size * MAX_RATIO)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as there is something."""
        try:
            content = self._stream.read(min(len(buffer), _BLOCK))
        except _DAMAGED as error:
            early = isinstance(error, EOFError) or "runcated" in str(error)
            says = "ends in the middle (a copy or download that was cut short)" if early else f"is damaged: {error}"
            message = f"this file, compressed by {self._name}, {says}"
            raise InputError(message, path=self._path, remedy="bring the file again, whole") from error
        self._left -= len(content)
        if self._left < 0:
            raise InputError(
                f"this file, compressed by {self._name}, unpacks to more than {MAX_RATIO} times its own size",
                path=self._path,
                remedy="unpack it yourself if you trust it",
            )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()
        self._plain.close()
        super().close()
