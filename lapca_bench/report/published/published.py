"""Published numbers: what papers and repositories print, each with its source, read from `leaderboards/published`.

The folder is its own documentation: `schema.toml` names the columns and their vocabularies, `sources.toml` the sources,
`notes.toml` what a reader must know of a number, `systems.csv` the kind and the card of each system. A row that does
not fit is refused with its file and line; a misprint is flagged, never corrected.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

from lapca_bench import toml_model
from lapca_bench.errors import InputError, MissingResourceError, unknown_name
from lapca_bench.inputs.numbers import decimal_number


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """One published number. `value` is in `unit` (percent), `printed` the digits as the source prints them."""

    collection: str
    protocol: str
    split: str
    setting: str
    system: str
    language: str
    measure: str
    value: float
    unit: str
    source: str
    place: str
    kind: str
    note: str
    printed: str

    @property
    def fraction(self) -> float:
        """The value as a share of one, the unit of measured scores."""
        return self.value / 100.0

    @property
    def decimals(self) -> int:
        """Decimals printed after the point, in percent."""
        return len(self.printed.partition(".")[2])

    @property
    def table(self) -> tuple[str, str, str]:
        """Collection, protocol and split: what two numbers must share to be compared."""
        return self.collection, self.protocol, self.split


OVER_QUERIES = "all"  # the mean that is taken over all questions at once; every other one is over languages


@dataclass(frozen=True)
class CitedSource:
    """Where numbers come from; `url` is "" where the source has no address of its own."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Note:
    """What a reader must know of a number. `flag` "misprint": it contradicts other numbers of its own source."""

    text: str
    flag: str


Named = TypeVar("Named", CitedSource, Note)


@dataclass(frozen=True)
class PublishedSystem:
    """A system as its source calls it, its kind, and the card of this project that describes the same system."""

    kind: str
    card: str


@dataclass(frozen=True)
class Published:
    """All published numbers with what explains them."""

    values: tuple[PublishedValue, ...]
    sources: Mapping[str, CitedSource]
    notes: Mapping[str, Note]
    systems: Mapping[str, PublishedSystem]
    means: Mapping[str, tuple[str, ...]]  # languages of each mean; empty: those that the row's source lists
    protocols: Mapping[str, str]  # what has to be equal for two numbers to compare, in words

    def select(self, **wanted: str | Sequence[str]) -> tuple[PublishedValue, ...]:
        """The values whose columns hold what is `wanted`: one text, or one of several."""
        choices = {column: (text,) if isinstance(text, str) else tuple(text) for column, text in wanted.items()}
        return tuple(v for v in self.values if all(getattr(v, column) in some for column, some in choices.items()))

    @cached_property
    def collections(self) -> tuple[str, ...]:
        """Names of the collections, sorted."""
        return tuple(sorted({value.collection for value in self.values}))

    def of_collection(self, name: str) -> tuple[PublishedValue, ...]:
        """The values of one collection; raises `UsageError` with the nearest names for an unknown one."""
        if name not in self.collections:
            raise unknown_name("published collection", name, self.collections)
        return self.select(collection=name)

    def citation(self, value: PublishedValue) -> str:
        """Source and place of a number, as a reader sees them."""
        return f"{self.sources[value.source].title}, {value.place}"


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingResourceError("the published numbers lack this file", path=path)
    return toml_model.document(path).table


@dataclass(frozen=True)
class _Vocabulary:
    """What each column may hold."""

    columns: tuple[str, ...]
    allowed: Mapping[str, frozenset[str]]
    bounds: Mapping[str, tuple[float, float]]  # low and high of each unit

    def value(self, record: Mapping[str, str], path: Path, line: int) -> PublishedValue:
        for column, text in record.items():
            allowed = self.allowed.get(column)
            if allowed is not None and text not in allowed:
                listed = ", ".join(sorted(allowed)[:12])
                raise InputError(
                    f"{text!r} is not allowed here", path=path, line=line, key=column, remedy=f"use one of: {listed}"
                )
            if not text and column != "note":
                raise InputError("this must not be empty", path=path, line=line, key=column)
        printed = record["value"]
        low, high = self.bounds[record["unit"]]
        number = decimal_number(printed)
        if number is None:
            raise InputError(f"{printed!r} is not a number", path=path, line=line, key="value")
        if not low <= number <= high:
            raise InputError(f"{printed} is outside [{low}, {high}]", path=path, line=line, key="value")
        return PublishedValue(**{**record, "value": number, "printed": printed})  # type: ignore[arg-type]


def _records(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, record) of a CSV file with exactly these columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            header = next(reader, [])
            if header != list(columns):
                raise InputError(f"columns {header}", path=path, line=1, remedy=f"use {','.join(columns)}")
            for row in reader:
                if len(row) != len(columns):
                    message = f"{len(row)} fields instead of {len(columns)}"
                    raise InputError(message, path=path, line=reader.line_num)
                yield reader.line_num, dict(zip(columns, row, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"not a UTF-8 CSV file: {error}", path=path) from error


def read(folder: Path) -> Published:
    """Read and validate a folder of published numbers.

    Raises `InputError` (file, line, column) for anything that `schema.toml` does not allow, a source, note or system
    that is not declared, or one number given twice; `MissingResourceError` where a file is absent;
    `UsageError` (file, line) where one is not TOML.
    """
    schema, sources, notes = (_toml(folder / f"{name}.toml") for name in ("schema", "sources", "notes"))
    columns = tuple(schema["columns"])
    expected = tuple(f.name for f in fields(PublishedValue) if f.name != "printed")
    if columns != expected:
        raise InputError(f"columns {columns}", path=folder / "schema.toml", key="columns", remedy=f"use {expected}")
    systems = {
        record["system"]: PublishedSystem(record["kind"], record["card"])
        for _, record in _records(folder / "systems.csv", ("system", "kind", "card"))
    }
    vocabulary = _Vocabulary(
        columns,
        {
            "protocol": frozenset(schema["protocols"]),
            "setting": frozenset(schema["settings"]),
            "unit": frozenset(schema["units"]),
            "kind": frozenset(schema["kinds"]),
            "source": frozenset(sources),
            "note": frozenset([*notes, ""]),
            "system": frozenset(systems),
        },
        {name: (unit["low"], unit["high"]) for name, unit in schema["units"].items()},
    )
    return Published(
        values=tuple(_values(folder, vocabulary)),
        sources=_entries(sources, CitedSource, folder / "sources.toml"),
        notes=_entries(notes, Note, folder / "notes.toml"),
        systems=systems,
        means={name: tuple(languages) for name, languages in schema["means"].items()},
        protocols=dict(schema["protocols"]),
    )


def _entries(tables: Mapping[str, Mapping[str, str]], kind: type[Named], path: Path) -> dict[str, Named]:
    entries = {}
    for key, table in tables.items():
        try:
            entries[key] = kind(**table)
        except TypeError as error:
            allowed = ", ".join(f.name for f in fields(kind))
            raise InputError(f"keys {', '.join(table)}", path=path, key=key, remedy=f"use {allowed}") from error
    return entries


def _values(folder: Path, vocabulary: _Vocabulary) -> Iterator[PublishedValue]:
    seen: dict[tuple[str, ...], str] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.name == "systems.csv":
            continue
        for line, record in _records(path, vocabulary.columns):
            value = vocabulary.value(record, path, line)
            key = (*value.table, value.system, value.language, value.measure, value.source, value.place)
            place = f"{path.name}:{line}"
            if seen.setdefault(key, place) != place:
                raise InputError(f"the number of {seen[key]} again", path=path, line=line, remedy="keep one of them")
            yield value


@cache
def published() -> Published:
    """The published numbers that come with this project.

    Raises `MissingResourceError` where the package was installed without its leaderboards.
    """
    with as_file(files("lapca_leaderboards") / "published") as folder:
        return read(folder)
