"""BEIR's layout: a folder of `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`, packed or not.

BEIR writes and reads its qrels by Python's csv with tabs and the least quoting, so an id that holds a double quote
stands in quotes there; read as bare lines, it would be another id and its document nobody's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.inputs.compression import ENDINGS, without_ending
from lapca_bench.inputs.identifiers import REMEDY, fault_of
from lapca_bench.inputs.numbers import whole_number
from lapca_bench.inputs.text import lines
from lapca_bench.inputs.trec import grade_of

_COLUMNS = "query-id, corpus-id, score"
_REMEDY = "this must be a file of BEIR's qrels folder"


def packed(path: Path) -> Path:
    """`path`, or the same file with an ending of compression where only that is there."""
    found = [path, *(path.with_name(path.name + ending) for ending in ENDINGS)]
    return next((one for one in found if one.is_file()), path)


def qrels_files(folder: Path) -> dict[str, Path]:
    """The files of judgements in a BEIR folder by the name of their split, in order of names."""
    names = sorted({without_ending(path) for path in (folder / "qrels").glob("*.tsv*")})
    return {path.stem: packed(path) for path in names if path.suffix == ".tsv"}


def beir_judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """(query, document, grade) of BEIR's qrels: a header, then three tab-separated columns, quoted as in CSV.

    A first line whose third column is a whole number is no header: it is the first judgement. Raises `InputError` with
    the line for what is malformed, ids that no TREC file could carry among it, and for a header that BEIR would not
    write.
    """
    reader = csv.reader((line + "\n" for _, line in lines(path)), delimiter="\t", strict=True)
    first = start = 1
    try:
        for values in reader:
            number, start = start, reader.line_num + 1
            if not any(value.strip() for value in values):
                first += number == first
                continue
            if len(values) != 3:
                message = f"{len(values)} tab-separated columns where 3 are needed ({_COLUMNS})"
                raise InputError(message, path=path, line=number, remedy=_REMEDY)
            if number == first and _is_header(values):
                continue
            for identifier in values[:2]:
                if fault := fault_of(identifier):
                    raise InputError(fault, path=path, line=number, remedy=REMEDY)
            yield values[0], values[1], grade_of(values[2].strip(" "), path, number)
    except csv.Error as error:
        message = f"not tab-separated columns, quoted as in CSV: {error}"
        raise InputError(message, path=path, line=start, remedy=_REMEDY) from error


def _is_header(values: list[str]) -> bool:
    return whole_number(values[2].strip(" ")) is None and not any(character.isnumeric() for character in values[2])
