"""`Experiment`: systems × collections, as a validated value read from TOML or built from command-line flags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from lapca_bench import toml_model
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.scoring.distinct import once_each
from lapca_bench.toml_model import Strict

ENTRY_POINTS = "lapca_bench.systems"  # a package that brings systems may bring experiments with them

Name = Annotated[str, Field(min_length=1)]


class Experiment(Strict):
    """What to run. Names are resolved when the experiment is planned, not here.

    `systems`: names of system cards, paths of cards (`my.toml`) or encoders in a file (`my.py:Class`).
    `collections`: names of collections, groups or families, or paths of collection cards; each makes one table.
    `split`, `depth` and `measures` default to what each collection declares.
    """

    title: str = ""
    systems: tuple[Name, ...] = Field(min_length=1)
    collections: tuple[Name, ...] = Field(min_length=1)
    split: str | None = None
    measures: tuple[Name, ...] = ()
    depth: int | None = Field(default=None, ge=1, le=1_000_000)

    @field_validator("measures")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(once_each(names).values())
        except UsageError:  # an unknown name is told with its nearest when the experiment is planned
            return names

    @field_validator("systems", "collections")
    @classmethod
    def _no_repeats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"named twice: {', '.join(repeated)}")
        return names


def build(values: dict[str, object]) -> Experiment:
    """An experiment from values that flags or a program gave; raises `UsageError` naming the first wrong one."""
    try:
        return Experiment.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "experiment"
        raise UsageError(
            first["msg"].removeprefix("Value error, "), key=key, remedy="see `lapca-bench run --help`"
        ) from None


def read(path: Path) -> Experiment:
    """An experiment file; paths in it are relative to the file.

    Raises `UsageError` with file, line and key when the file is absent, not UTF-8, not TOML or not an experiment.
    """
    experiment = toml_model.read(path, Experiment, remedy=f"known keys: {', '.join(Experiment.model_fields)}")
    return experiment.model_copy(
        update={
            "systems": tuple(_anchored(name, path.parent) for name in experiment.systems),
            "collections": tuple(_anchored(name, path.parent) for name in experiment.collections),
        }
    )


def find(name: str) -> Experiment:
    """The experiment that `name` means: a file (`mine.toml`), or one that an installed package brings ("demo").

    Raises `UsageError` with the nearest names.
    """
    path = Path(name)
    if path.suffix == ".toml":
        return read(path)
    packaged = brought()
    if name not in packaged:
        raise unknown_name("experiment", name, packaged)
    return read(packaged[name])


def brought() -> dict[str, Path]:
    """The experiments of installed packages by name: TOML files in the folder `experiments` of a plug-in's package."""
    found: dict[str, Path] = {}
    for point in entry_points(group=ENTRY_POINTS):
        folder = Path(str(files(point.module).joinpath("experiments")))
        for path in folder.glob("*.toml"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _anchored(name: str, folder: Path) -> str:
    """`name`, made relative to `folder` where it is a relative path (a card, or an encoder in a Python file)."""
    is_path = name.endswith(".toml") or re.search(r"\.py(:\w+)?$", name)
    return str(folder / name) if is_path else name


def merged(base: Experiment | None, **flags: Sequence[str] | str | int | None) -> Experiment:
    """`base` with the flags that were given in place of its own values; without `base`, the flags alone."""
    values: dict[str, object] = {} if base is None else base.model_dump()
    values.update({key: value for key, value in flags.items() if value not in (None, (), [])})
    return build(values)
