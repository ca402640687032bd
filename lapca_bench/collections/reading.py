"""Reading the files of collections line by line: plain or gzip, TSV, JSON lines, qrels; bad input names file and line.

Everything streams, so that a corpus of millions of passages never lies in memory. Only a line feed ends a line: U+2028
and its like occur inside passages.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value

_WHOLE = "fetch the file again and compare its size with the publisher's"


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its line end) of a UTF-8 file, gunzipped where its name ends in `.gz`.

    Raises `InputError` for bytes that are not UTF-8 and for a gzip stream that is damaged or ends too early.
    """
    number = 0
    try:
        with _open(path) as stream:
            for number, line in enumerate(stream, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", path=path, line=number, remedy=_WHOLE) from error
    except EOFError as error:
        message = "the compressed file ends in the middle (a download that was cut short)"
        raise InputError(message, path=path, line=number + 1, remedy=_WHOLE) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"not a whole gzip file: {error}", path=path, line=number + 1, remedy=_WHOLE) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path, remedy="check the path") from error


def rows(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated file without quoting; `names` are the columns that every line must have.

    Raises `InputError` for a line with another number of columns; blank lines are passed over.
    """
    for number, line in lines(path):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) != len(names):
            message = f"{len(fields)} tab-separated columns where {len(names)} are needed ({', '.join(names)})"
            raise InputError(message, path=path, line=number, remedy="mend or remove this line")
        yield number, fields


def records(path: Path, fields: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of a JSON-lines file whose objects must all have `fields`; blank lines are passed over.

    Raises `InputError` for a line that is not a JSON object or lacks a field.
    """
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            record = json_value(line)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error.msg}", path=path, line=number, remedy=_WHOLE) from error
        if not isinstance(record, dict):
            message = f"a JSON object is needed, not {type(record).__name__}"
            raise InputError(message, path=path, line=number, remedy="write one object per line")
        absent = [field for field in fields if field not in record]
        if absent:
            remedy = f"every line needs {', '.join(fields)}"
            raise InputError(f"the field {absent[0]!r} is missing", path=path, line=number, remedy=remedy)
        yield number, record


def judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """(query, document, grade) of a TREC qrels file: `query iteration document grade`, separated by white space.

    Raises `InputError` for another number of columns or a grade that is not a whole number.
    """
    for number, line in lines(path):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 4:
            message = f"{len(fields)} columns where 4 are needed (query, iteration, document, grade)"
            raise InputError(message, path=path, line=number, remedy="this must be a TREC qrels file")
        try:
            grade = int(fields[3])
        except ValueError as error:
            message = f"the grade {fields[3][:40]!r} is not a whole number"
            raise InputError(message, path=path, line=number, remedy="grades are whole numbers") from error
        yield fields[0], fields[2], grade


def document(path: Path) -> Any:
    """The value of a JSON file; raises `InputError` where it is not JSON or not UTF-8."""
    text = "\n".join(line for _, line in lines(path))
    try:
        return json_value(text)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path=path, line=error.lineno, remedy=_WHOLE) from error


def text_of(record: dict[str, Any], field: str, path: Path, line: int) -> str:
    """The string in `record[field]`; raises `InputError` where it is something else."""
    value = record[field]
    if not isinstance(value, str):
        message = f"the field {field!r} must be a string, not {type(value).__name__}"
        raise InputError(message, path=path, line=line, remedy="mend this record")
    return value
