"""The columns of a TREC run: by Arrow, and line by line where something is to be told. Both read every file alike.

There is one rule, `inputs.trec.fields_of`. What Arrow is given are the same bytes with one blank between fields and
none at the ends of lines; whatever it would read otherwise than the rule, or cannot, is left to the reader of lines,
which knows the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.inputs.numbers import decimal_number
from lapca_bench.inputs.text import MARK, decoded
from lapca_bench.inputs.trec import ODD, fields_of

RUN_COLUMNS = ("query", "Q0", "document", "rank", "score", "tag")

_PRINTED = bytes(range(0x21, 0x7F)) + b" \n"
_TABS_TO_BLANKS = bytes.maketrans(b"\t", b" ")


@dataclass(frozen=True)
class RunColumns:
    """A run as a file holds it: of result j the query is `queries[rows[j]]`; `tag` is that of the first line."""

    queries: Sequence[str]
    rows: npt.ArrayLike
    documents: Sequence[str]
    scores: npt.ArrayLike
    tag: str


def run_columns(content: bytes, path: Path) -> RunColumns:
    """The columns of a run file; raises `InputError` with the line for what is malformed."""
    even = evened(content.removeprefix(MARK))
    found = _by_arrow(even) if even else None
    return columns_by_line(decoded(content, path), path) if found is None else found


def columns_by_line(text: str, path: Path) -> RunColumns:
    """The columns by plain reading; raises `InputError` with the line of whatever is wrong."""
    queries: dict[str, int] = {}
    rows: list[int] = []
    documents: list[str] = []
    scores: list[float] = []
    seen: set[tuple[int, str]] = set()
    tag = ""
    for number, line in enumerate(text.split("\n"), start=1):
        fields = fields_of(line, RUN_COLUMNS, path, number)
        if not fields:
            continue
        query, document, score = fields[0], fields[2], _score(fields[4], path, number)
        row = queries.setdefault(query, len(queries))
        if (row, document) in seen:
            message = f"query {query!r} holds document {document!r} twice"
            raise InputError(message, path=path, line=number, remedy="keep one score per document and query")
        seen.add((row, document))
        rows.append(row)
        documents.append(document)
        scores.append(score)
        tag = tag or fields[5]
    return RunColumns(list(queries), rows, documents, scores, tag)


def evened(content: bytes) -> bytes | None:
    """The same lines with one blank between fields and none before or behind; None where a character is refused.

    Whole-buffer passes at the speed of memory: a file that is even already is only looked at.
    """
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    if b"\t" in content:
        content = content.translate(_TABS_TO_BLANKS)
    others = content.translate(None, _PRINTED)
    if others:
        try:
            if ODD.search(others.decode("utf-8")):  # whole characters: only those of one byte were taken out
                return None
        except UnicodeDecodeError:
            return None
    while b"  " in content:
        content = content.replace(b"  ", b" ")
    for uneven, even in ((b" \n", b"\n"), (b"\n ", b"\n")):
        if uneven in content:
            content = content.replace(uneven, even)
    return content.strip(b" \n")


def _by_arrow(content: bytes) -> RunColumns | None:
    """The columns of even lines; None where Arrow finds them malformed."""
    import pyarrow as pa
    from pyarrow import csv

    types = {
        "query": pa.dictionary(pa.int32(), pa.large_string()),
        "document": pa.large_string(),
        "score": pa.float64(),
    }
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(column_names=list(RUN_COLUMNS)),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[], include_columns=list(types)),
        )
    except pa.ArrowInvalid:
        return None
    encoded = table["query"].combine_chunks()
    scores = table["score"].to_numpy()
    with np.errstate(over="ignore"):
        if not np.isfinite(scores.astype(np.float32)).all():
            return None
    tag = content.partition(b"\n")[0].decode("utf-8").rpartition(" ")[2]
    return RunColumns(
        encoded.dictionary.to_pylist(), encoded.indices.to_numpy(), table["document"].combine_chunks(), scores, tag
    )


def _score(text: str, path: Path, line: int) -> float:
    value = decimal_number(text)
    if value is None:
        message = f"score {text!r} is not a finite number in single precision"
        raise InputError(message, path=path, line=line, remedy="scores must be finite; mend the system that wrote them")
    return value
