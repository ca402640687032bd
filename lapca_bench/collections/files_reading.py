"""Reading the records of a user's own collection from JSON lines, TSV and Parquet; mistakes are named by their line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.collections.reading import records
from lapca_bench.errors import InputError
from lapca_bench.inputs import compression
from lapca_bench.inputs.identifiers import REMEDY, fault_of
from lapca_bench.inputs.text import lines
from lapca_bench.types import Document, Query

_ENDINGS = (".jsonl", ".tsv", ".parquet")


@dataclass(frozen=True)
class Fields:
    """Names of the columns; the language is the column `language` or, where there is none, `fixed_language`."""

    id: str
    text: str
    title: str | None
    language: str | None
    fixed_language: str
    languages: frozenset[str]  # those that the card declares

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that every record must have."""
        return (self.id, self.text) if self.language is None else (self.id, self.text, self.language)


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    text: str
    title: str
    language: str
    path: Path
    line: int


def _tsv(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    names: list[str] | None = None
    for number, line in lines(path):
        values = line.split("\t")
        if names is None:
            names = values
            absent = [name for name in needed if name not in names]
            if absent:
                remedy = f"the first line must name the columns, {', '.join(needed)} among them"
                raise InputError(f"no column {absent[0]!r} in the header", path=path, line=number, remedy=remedy)
        elif line.strip():
            if len(values) != len(names):
                message = f"{len(values)} tab-separated columns where the header names {len(names)}"
                raise InputError(message, path=path, line=number, remedy="mend this line (no tabs inside texts)")
            yield number, dict(zip(names, values, strict=True))


def _parquet(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(path)
        absent = [name for name in needed if name not in opened.schema_arrow.names]
        if absent:
            remedy = f"it has: {', '.join(opened.schema_arrow.names)}; name the columns in the card's `fields`"
            raise InputError(f"no column {absent[0]!r}", path=path, remedy=remedy)
        number = 0
        for batch in opened.iter_batches(batch_size=8192):
            for record in batch.to_pylist():
                number += 1
                yield number, record
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not a whole Parquet file: {error}", path=path, remedy="write the file again") from error


def _raw(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    ending = compression.without_ending(path).suffix
    match ending:
        case ".jsonl":
            return records(path, needed)
        case ".tsv":
            return _tsv(path, needed)
        case ".parquet":
            return _parquet(path, needed)
    remedy = f"use one of {', '.join(_ENDINGS)} (.jsonl and .tsv may be {', '.join(compression.ENDINGS)})"
    raise InputError(f"files ending in {ending!r} are not understood", path=path, remedy=remedy)


class _Ids:
    """The ids seen so far: one type, none empty, none twice."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._type: type | None = None

    def take(self, value: Any, path: Path, line: int) -> str:
        if type(value) not in {str, int}:
            message = f"the id {value!r} is {type(value).__name__}; ids are strings or whole numbers"
            raise InputError(message, path=path, line=line, remedy="give every record a string id")
        if self._type is not None and type(value) is not self._type:
            message = f"the id {value!r} is {type(value).__name__}, the ids before it are {self._type.__name__}"
            raise InputError(message, path=path, line=line, remedy='write all ids as strings ("12", not 12)')
        self._type = type(value)
        identifier = str(value)
        if fault := fault_of(identifier):
            raise InputError(fault, path=path, line=line, remedy=REMEDY)
        if identifier in self._seen:
            raise InputError(f"the id {identifier!r} comes twice", path=path, line=line, remedy="make the ids unique")
        self._seen.add(identifier)
        return identifier


def _string(record: dict[str, Any], name: str, path: Path, line: int) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        message = f"the field {name!r} must be a string, not {type(value).__name__}"
        raise InputError(message, path=path, line=line, remedy="mend this record")
    return value


def _read(paths: Sequence[Path], fields: Fields) -> Iterator[_Record]:
    ids = _Ids()
    for path in paths:
        for line, record in _raw(path, fields.needed):
            identifier = ids.take(record[fields.id], path, line)
            text = _string(record, fields.text, path, line)
            titled = fields.title is not None and record.get(fields.title) is not None
            title = _string(record, fields.title, path, line) if titled and fields.title is not None else ""
            language = fields.fixed_language
            if fields.language is not None:
                language = _string(record, fields.language, path, line)
                if language not in fields.languages:
                    message = f"the language {language!r} is not among those of the card"
                    remedy = f"the card has {', '.join(sorted(fields.languages))}; add it there or mend the record"
                    raise InputError(message, path=path, line=line, remedy=remedy)
            yield _Record(identifier, text, title, language, path, line)


def read_documents(paths: Sequence[Path], fields: Fields) -> Iterator[Document]:
    """The documents, streamed; raises `InputError` with file and line for what is malformed or out of place.

    Documents of one language must follow each other, because vectors are stored language by language.
    """
    finished: set[str] = set()
    current: str | None = None
    for record in _read(paths, fields):
        if record.language != current:
            if record.language in finished:
                message = f"documents in {record.language!r} come again after those in {current!r}"
                remedy = "sort the corpus by language, or give one file per language"
                raise InputError(message, path=record.path, line=record.line, remedy=remedy)
            if current is not None:
                finished.add(current)
            current = record.language
        yield Document(record.id, record.text, record.title, record.language)


def read_queries(paths: Sequence[Path], fields: Fields) -> Iterator[Query]:
    """The queries; raises `InputError` with file and line, also for a query without text."""
    for record in _read(paths, fields):
        if not record.text.strip():
            message = f"the query {record.id!r} has no text"
            raise InputError(message, path=record.path, line=record.line, remedy="remove it or give it a text")
        yield Query(record.id, record.text, record.language)
