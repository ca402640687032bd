"""Recipes: the tables and boards of `leaderboards/boards/*.toml`, as validated values.

A recipe says which published numbers make a table (collection, protocol, split, measures, languages, blocks) and where
the measured numbers beside them come from. It holds no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lapca_bench import toml_model
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.report.published.published import Published, PublishedValue
from lapca_bench.toml_model import Strict

Text = Annotated[str, Field(min_length=1)]
Points = Annotated[float, Field(gt=0, le=100)]


class Counterpart(Strict):
    """A published system and the measured one that stands beside it; `note` says where the two differ."""

    published: Text
    measured: Text
    note: str = ""


class Measured(Strict):
    """Where measured numbers come from.

    `collection` is the name of a collection, with `{language}` where each language has one of its own. `measures` gives
    this project's name of each published measure; `languages` the code that results give a published language, and
    `subsets` what stands for it in `collection`, where these differ.
    """

    collection: Text
    split: Text
    measures: Mapping[str, Text]
    languages: Mapping[str, Text] = {}
    subsets: Mapping[str, Text] = {}

    def collection_of(self, language: str) -> str:
        """The collection that a published language's numbers are measured on."""
        return self.collection.replace("{language}", self.subsets.get(language, self.language(language)))

    def language(self, published: str) -> str:
        """The code that results give a published language."""
        return self.languages.get(published, published)


class TableRecipe(Strict):
    """One table.

    `paper` is its letter among the tables of the LAPCA paper's task set, if it has one. `blocks` are settings in the
    order of the table (default: all); `systems` only these, in this order (default: all). `languages` defaults to all
    that are published, `means` to the plain mean. `close`: how many points a close difference may have, and
    `tolerances` the same for single columns, such as a language with few queries.
    `board`: whether it makes a page of its own among the leaderboards.
    Without `measured`, `unmeasured` says why nothing of this table can be measured.
    """

    name: str = ""
    title: Text
    collection: Text
    protocol: Text
    split: Text
    measures: Annotated[tuple[Text, ...], Field(min_length=1)]
    paper: Literal["", "A", "B", "C", "D"] = ""
    languages: tuple[Text, ...] = ()
    means: tuple[Text, ...] = ("avg",)
    blocks: tuple[Text, ...] = ()
    systems: tuple[Text, ...] = ()
    layout: Literal["grid", "cells"] = "grid"
    board: bool = True
    close: Points = 1.0
    tolerances: Mapping[str, Points] = {}
    note: str = ""
    measured: Measured | None = None
    unmeasured: str = ""
    pairs: tuple[Counterpart, ...] = ()

    @property
    def table(self) -> tuple[str, str, str]:
        """Collection, protocol and split: what recipes must share to be put in one table."""
        return self.collection, self.protocol, self.split

    def rows_of(self, published: Published) -> tuple[PublishedValue, ...]:
        """The published numbers that make this table; raises `UsageError` for a collection without any."""
        return tuple(
            value
            for value in published.of_collection(self.collection)
            if value.table == self.table
            and value.measure in self.measures
            and (not self.systems or value.system in self.systems)
            and (not self.blocks or value.setting in self.blocks)
        )

    def tolerance(self, column: str) -> float:
        """How many points a close difference may have in this column."""
        return self.tolerances.get(column, self.close)

    @model_validator(mode="after")
    def _every_measure_is_mapped(self) -> TableRecipe:
        if self.measured is not None:
            unmapped = set(self.measures) - set(self.measured.measures)
            if unmapped:
                raise ValueError(f"measured.measures lacks {', '.join(sorted(unmapped))}")
        elif self.pairs or not self.unmeasured:
            raise ValueError("without a [measured] table there are no pairs, and `unmeasured` says why")
        return self


def read(path: Path) -> TableRecipe:
    """One recipe, called by its file; raises `UsageError` with file, line and key where it is not valid."""
    source = toml_model.document(path)
    source.table["name"] = path.stem
    return toml_model.validated(source, TableRecipe, remedy=f"keys of a table: {', '.join(TableRecipe.model_fields)}")


@cache
def recipes() -> Mapping[str, TableRecipe]:
    """The recipes that come with this project, by name."""
    with as_file(files("lapca_leaderboards") / "boards") as folder:
        return {path.stem: read(path) for path in sorted(folder.glob("*.toml"))}


def find(name: str) -> tuple[TableRecipe, ...]:
    """The recipes that `name` means: one by its name or path, or all that share a letter ("A" to "D").

    Raises `UsageError` with the nearest names where there is none.
    """
    known = recipes()
    if name.endswith(".toml"):
        return (read(Path(name)),)
    if name in known:
        return (known[name],)
    lettered = tuple(recipe for recipe in known.values() if recipe.paper and recipe.paper == name.upper())
    if not lettered:
        raise unknown_name("table", name, known)
    return lettered


def merged(parts: Sequence[TableRecipe], protocols: Mapping[str, str]) -> TableRecipe:
    """One table of several recipes; `protocols` says what each protocol is.

    Raises `UsageError` where they differ in collection, protocol, split or measures: such numbers do not compare.
    """
    first = parts[0]
    for other in parts[1:]:
        if other.table != first.table or other.measures != first.measures:
            raise UsageError(
                f"{first.name} and {other.name} do not compare: {_differences(first, other, protocols)}",
                remedy="print them as two tables (without --together)",
            )
    systems = () if any(not part.systems for part in parts) else _union(part.systems for part in parts)
    return first.model_copy(
        update={
            "name": "+".join(part.name for part in parts),
            "systems": systems,
            "languages": _union(part.languages for part in parts) if all(part.languages for part in parts) else (),
            "blocks": _union(part.blocks for part in parts) if all(part.blocks for part in parts) else (),
            "pairs": tuple(dict.fromkeys(pair for part in parts for pair in part.pairs)),
            "measured": next((part.measured for part in parts if part.measured is not None), None),
        }
    )


def _union(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _differences(one: TableRecipe, other: TableRecipe, protocols: Mapping[str, str]) -> str:
    found = []
    for what in ("collection", "protocol", "split", "measures"):
        here, there = getattr(one, what), getattr(other, what)
        if here != there:
            if what == "protocol":
                here, there = (f"{p} ({protocols[p]})" if p in protocols else p for p in (here, there))
            elif what == "measures":
                here, there = ", ".join(here), ", ".join(there)
            found.append(f"{what} {here} against {there}")
    return "; ".join(found)
