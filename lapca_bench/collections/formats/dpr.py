"""Passages in the format of DPR: a TSV with the header `id text title`, text quoted as in CSV where it holds quotes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.inputs.identifiers import REMEDY, fault_of
from lapca_bench.inputs.text import lines
from lapca_bench.types import Document

_HEADER = ["id", "text", "title"]


def passages(path: Path, language: str) -> Iterator[Document]:
    """The passages of `path`, streamed.

    Read as DPR and its descendants do (Python's csv with tab as the delimiter, the row whose id is "id" is the
    header). Raises `InputError` with the line for a row without exactly three columns, an empty id, or quotes that
    swallow the rows after them.
    """
    reader = csv.reader((line + "\n" for _, line in lines(path)), delimiter="\t")
    start = 1
    try:
        for row in reader:
            if row and row != _HEADER:
                if len(row) != len(_HEADER):
                    message = f"{len(row)} tab-separated columns where 3 are needed (id, text, title)"
                    raise InputError(message, path=path, line=start, remedy="mend this line or fetch the file again")
                if fault := fault_of(row[0]):
                    raise InputError(fault, path=path, line=start, remedy=REMEDY)
                yield Document(row[0], row[1], row[2], language)
            start = reader.line_num + 1
    except csv.Error as error:
        remedy = "mend this line or fetch the file again"
        raise InputError(f"not a DPR passage file: {error}", path=path, line=start, remedy=remedy) from error
