"""From a TOML file to a validated model, one way for all: whatever is wrong is told with file, line, key and remedy.

Cards, recipes, plans, experiments and tables are read here, so that the same fault reads the same in each of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from lapca_bench.errors import UsageError
from lapca_bench.inputs.text import decoded
from lapca_bench.parsing import toml_table

Location = tuple[str | int, ...]  # names of keys, and places in lists, from the outermost inwards


class Strict(BaseModel):
    """A value that no one changes, of which unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class TomlFile:
    """A TOML file that was read: its table may be changed before `validated` makes a model of it."""

    path: Path
    text: str
    table: dict[str, Any]


def read(path: Path, model: type[Model], remedy: str) -> Model:
    """The model that a TOML file describes; raises `UsageError` as `document` and `validated` do."""
    return validated(document(path), model, remedy)


def document(path: Path) -> TomlFile:
    """A TOML file; raises `UsageError` with its line where it is not there, not UTF-8 or not TOML."""
    try:
        text = decoded(path.read_bytes(), path, UsageError)
    except OSError as error:
        raise UsageError(f"cannot read: {error.strerror or error}", path=path, remedy="check the path") from None
    try:
        return TomlFile(path, text, toml_table(text))
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)
        last = len(text.splitlines()) or 1
        at = int(found[1]) if found else last if place else None
        raise UsageError(f"not TOML: {message}", path=path, line=at, remedy="mend this line") from None


def validated(source: TomlFile, model: type[Model], remedy: str, changed: Collection[str] = ()) -> Model:
    """The model of a document's table; keys in `changed` did not come from the file, so that no line is told of them.

    Raises `UsageError` for an unknown key (with the nearest known one), or else for the first thing that does not fit;
    all missing keys are told with it.
    """
    try:
        return model.model_validate(source.table)
    except ValidationError as error:
        faults = [_Fault.of(detail, source.table) for detail in error.errors(include_url=False)]
    first = next((fault for fault in faults if fault.kind == "extra_forbidden"), faults[0])
    missing = list(dict.fromkeys(fault.key for fault in faults if fault.kind == "missing"))
    if first.kind == "missing":
        message = "this key is missing" if len(missing) == 1 else f"missing: {', '.join(missing)}"
    else:
        message = first.message + (f"; missing: {', '.join(missing)}" if missing else "")
    if first.kind == "extra_forbidden":
        remedy = _nearest(str(first.written[-1]), _known_keys(model, first.location[:-1]))
    line = None if first.key in changed else line_of(source.text, first.written)
    raise UsageError(message, path=source.path, line=line, key=first.key or None, remedy=remedy)


def written_as(pattern: str, words: str) -> AfterValidator:
    """A check of how a text is written, in `words` that stand after "is not": nobody is shown the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is not {words}")
        return value

    return AfterValidator(check)


def with_default(values: object, table: str, key: str, value: object) -> object:
    """`values` of a model, with `key` of its `table` set where it is not: it tells the members of a union apart."""
    if isinstance(values, dict) and isinstance(values.get(table), dict):
        return {**values, table: {key: value, **values[table]}}
    return values


@dataclass(frozen=True)
class _Fault:
    """One thing that is wrong: where pydantic saw it, and where that stands in the file."""

    kind: str
    message: str
    location: Location
    written: Location

    @classmethod
    def of(cls, detail: Any, table: dict[str, Any]) -> _Fault:
        kind, location = detail["type"], detail["loc"]
        if kind in ("union_tag_not_found", "union_tag_invalid"):  # pydantic tells the table, and not the key in it
            location = (*location, detail["ctx"]["discriminator"].strip("'"))
            kind = kind.replace("union_tag_not_found", "missing")
        last = kind in ("missing", "extra_forbidden")
        message = "unknown key" if kind == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")
        return cls(kind, message, location, _written(location, table, last))

    @property
    def key(self) -> str:
        return ".".join(map(str, self.written))


def _written(location: Location, table: dict[str, Any], last: bool) -> Location:
    """`location` without what pydantic adds of its own: which branch of a union it tried. `last` part is a key."""
    found: list[str | int] = []
    value: Any = table
    for number, part in enumerate(location, start=1):
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if inside:
            value = value[part]
        if inside or (last and number == len(location)):
            found.append(part)
    return tuple(found)


def _known_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that a model knows in its table at `location`."""
    models = [model]
    for part in location:
        fields = [one.model_fields[str(part)] for one in models if str(part) in one.model_fields]
        below = [inner for field in fields for inner in _models(field.annotation)]
        tagged = [one for one in models if any(part in get_args(f.annotation) for f in one.model_fields.values())]
        models = below or tagged or models
    return list(dict.fromkeys(name for one in models for name in one.model_fields))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type names, in whatever unions, lists and tables."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _nearest(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"


_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_ASSIGNED = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")


def line_of(text: str, location: Location) -> int | None:
    """The line of a TOML text (from 1) where the deepest key of `location` that is written there first stands."""
    best: int | None = None
    depth = 0
    table: list[str | int] = []
    tables: dict[tuple[str | int, ...], int] = {}  # of each array of tables, the one that is being read
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = []
            for name in _names(header[2]):
                if tuple(table) in tables:
                    table.append(tables[tuple(table)])
                table.append(name)
            if header[1] == "[[":
                tables[tuple(table)] = tables.get(tuple(table), -1) + 1
                table.append(tables[tuple(table)])
            path = table
        elif assigned := _ASSIGNED.match(line):
            path = table + _names(assigned[1])
        else:
            continue
        shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(path, location, strict=False)))
        if shared > depth:
            best, depth = number, shared
    return best


def _names(dotted: str) -> list[str | int]:
    return [name.strip("\"'") for name in re.findall(_KEY, dotted)]
