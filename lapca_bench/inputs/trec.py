"""TREC's lines: fields between blanks and tabs, however many, in runs and judgements alike.

Readers of other tools cut at other characters too (Python's `split` at U+00A0 and the separators of ASCII, C's
`isspace` at form feeds). A line that holds such a character is read in two ways, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.inputs.identifiers import REFUSED, described
from lapca_bench.inputs.numbers import whole_number
from lapca_bench.inputs.text import lines

QRELS_COLUMNS = ("query", "0", "document", "grade")

ODD = re.compile(f"(?![ \t])[{REFUSED}]")


def fields_of(line: str, columns: Sequence[str], path: Path, number: int) -> list[str]:
    """The fields of a line, none where it is blank; raises `InputError` where they are not as many as `columns`."""
    text = line.strip(" \t\r")
    if odd := ODD.search(text):
        message = f"{described(odd[0])} in this line, which tools read in different ways"
        raise InputError(message, path=path, line=number, remedy="take it out; blanks and tabs part fields")
    fields = text.split()
    if fields and len(fields) != len(columns):
        message = f"{len(fields)} fields where {len(columns)} are expected"
        raise InputError(message, path=path, line=number, remedy=f"write lines as: {' '.join(columns)}")
    return fields


def judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """(query, document, grade) of a TREC qrels file: `query iteration document grade`.

    Raises `InputError` with the line for another number of fields, a grade that is no whole number, and a document that
    is judged twice for a query with different grades.
    """
    seen: dict[tuple[str, str], int] = {}
    for number, line in lines(path):
        fields = fields_of(line, QRELS_COLUMNS, path, number)
        if not fields:
            continue
        judged, grade = (fields[0], fields[2]), grade_of(fields[3], path, number)
        if seen.setdefault(judged, grade) != grade:
            message = f"query {judged[0]!r} judges document {judged[1]!r} as {seen[judged]} and as {grade}"
            raise InputError(message, path=path, line=number, remedy="keep one judgement per query and document")
        yield *judged, grade


def grade_of(text: str, path: Path, number: int) -> int:
    """A grade; raises `InputError` where it is not a whole number."""
    grade = whole_number(text)
    if grade is None:
        message = f"the grade {text[:40]!r} is not a whole number"
        raise InputError(message, path=path, line=number, remedy="grades are whole numbers, above 0 if relevant")
    return grade
