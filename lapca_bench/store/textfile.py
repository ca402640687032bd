"""Whole text files, plain or gzip-compressed by the name's ending, with errors that say where."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from lapca_bench.atomic import write_bytes
from lapca_bench.errors import InputError


def read_utf8(path: Path) -> bytes:
    """The content of `path`, decompressed, without a byte order mark, known to be UTF-8.

    Raises `InputError` where the file is missing, damaged, or not UTF-8 (with the line of the first bad byte).
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        message = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read: {message}", path=path, remedy="check the path and the file") from error
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8", path=path, line=line, remedy="convert the file, e.g. with iconv") from error
    return content


def write_utf8(path: Path, content: str) -> None:
    """Write `content`, compressed where the name ends in `.gz`, whole or not at all.

    Compressed files carry no time stamp, so equal content makes equal bytes.
    """
    encoded = content.encode("utf-8")
    write_bytes(path, gzip.compress(encoded, mtime=0) if path.suffix == ".gz" else encoded)
