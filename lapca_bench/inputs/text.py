"""Text files, whole or line by line: UTF-8 with or without a byte order mark, plain or compressed, errors with lines.

Only a line feed ends a line: U+2028 and its like occur inside passages.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lapca_bench.errors import InputError, LapcaError
from lapca_bench.inputs.compression import compression_of, content_of, opened

MARK = b"\xef\xbb\xbf"  # the byte order mark that editors on Windows put before UTF-8
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WHOLE = "fetch the file again and compare its size with the publisher's"
_LOOKED_AT = 1000


def decoded(content: bytes, path: Path, error: type[LapcaError] = InputError) -> str:
    """The text of a file's bytes, without a byte order mark.

    Raises `error`, with the line of the first bad byte, where they are not UTF-8; UTF-16 and compressed files are
    called by their names.
    """
    _refuse_other_forms(content, path, error)
    try:
        return content.removeprefix(MARK).decode("utf-8")
    except UnicodeDecodeError as found:
        line = found.object.count(b"\n", 0, found.start) + 1
        message = f"not UTF-8 (byte {found.object[found.start]:#04x})"
        raise error(message, path=path, line=line, remedy="save it as UTF-8, or convert it with iconv") from found


def read_utf8(path: Path) -> bytes:
    """The content of `path`, unpacked, without a byte order mark, known to be UTF-8.

    Raises `InputError` where the file is missing, damaged, or not UTF-8 (with the line of the first bad byte).
    """
    content = content_of(path)
    if not content.isascii() or b"\0" in content[:_LOOKED_AT]:
        decoded(content, path)
    return content.removeprefix(MARK)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its line end) of a UTF-8 file, streamed, unpacked where it is compressed.

    Raises `InputError` for bytes that are not UTF-8 and for compression that is damaged or ends too early.
    """
    number = 0
    try:
        with opened(path) as stream:
            for number, line in enumerate(stream, start=1):
                if number == 1:
                    _refuse_other_forms(line, path, InputError)
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", path=path, line=number, remedy=_WHOLE) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path, remedy="check the path") from error


def _refuse_other_forms(content: bytes, path: Path, error: type[LapcaError]) -> None:
    head = content[:_LOOKED_AT]
    if head.startswith(_UTF_16) or head.count(b"\0") > len(head) // 4:
        raise error("UTF-16, where UTF-8 is read", path=path, line=1, remedy="save it as UTF-8, e.g. iconv -f UTF-16")
    if name := compression_of(head):
        raise error(f"compressed by {name}, where text is read", path=path, remedy="unpack it first")
