"""Reading the files of collections line by line: TSV, JSON and JSON lines; what is wrong is told with file and line.

Everything streams, so that a corpus of millions of passages never lies in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError
from lapca_bench.inputs.text import lines
from lapca_bench.parsing import json_value

_WHOLE = "fetch the file again and compare its size with the publisher's"


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
