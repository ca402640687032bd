"""`SystemCard`: a system as data. What a reader must know beside its numbers, and the table of settings that makes it.

Every kind of system has a card of its own, which stands in the system's file: the kind's name, its table, what must be
on this machine (`check`), and how the system is made (`make`). `kinds` lists them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field

from lapca_bench.encoders.hardware import Hardware
from lapca_bench.encoders.settings import EncoderTable
from lapca_bench.extras import known_extra
from lapca_bench.resources.downloads import Downloads, of_model, together
from lapca_bench.search.system import System
from lapca_bench.search.workspace import Workspace
from lapca_bench.toml_model import Strict, written_as
from lapca_bench.types import Task

Builder = Annotated[str, written_as(r"[\w.]+:\w+", "a module and a function in it, such as package.module:build")]


class SystemSettings(Strict):
    """A card's table that says how a system is made."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the systems that this one is made of."""
        return ()


@dataclass(frozen=True)
class Making:
    """A system in the making: where it will work, and `part`, which makes the systems it is made of by their names."""

    workspace: Workspace
    part: Callable[[str], System]


class SystemCard(Strict):
    """One system. `trained_on` names the collection families whose training data it saw (it is zero-shot elsewhere).

    `requires` lists extras of lapca-bench. `builder` ("module:function", called with the card and a `Workspace`) makes
    systems of a kind of its own from the table `settings`, or from the tables of other kinds.
    """

    name: Annotated[str, Field(min_length=1)]
    title: str
    kind: Annotated[str, Field(min_length=1)]
    licence: str
    citation: str
    url: str
    languages: list[str]
    trained_on: list[str] = Field(default_factory=list)
    note: str = ""
    requires: list[Annotated[str, AfterValidator(known_extra)]] = Field(default_factory=list)
    builder: Builder | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def tables(self) -> dict[str, BaseModel]:
        """The tables that the card has, by name, but for a builder's own `settings`."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if isinstance(value, BaseModel)}

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the systems that this one is made of."""
        tables = [table for table in self.tables.values() if isinstance(table, SystemSettings)]
        return tuple(part for table in tables for part in table.parts)

    @property
    def models(self) -> tuple[EncoderTable, ...]:
        """Settings of the models that this system itself reads weights of."""
        return tuple(table for table in self.tables.values() if isinstance(table, EncoderTable))

    @property
    def downloads(self) -> Downloads:
        """What `lapca-bench fetch` brings of its own models; a system made of others needs theirs too."""
        return together(*(of_model(table.model_dump()) for table in self.models))

    def beside(self, folder: Path) -> Self:
        """The same with relative paths of a model's files taken from `folder`."""
        return self._with_models(lambda table: table.beside(folder))

    def seen_from(self, folder: Path) -> Self:
        """The same with paths of a model's files as they are written in a card that lies in `folder`."""
        return self._with_models(lambda table: table.seen_from(folder))

    def for_task(self, task: Task) -> Self:
        """The same with the prompts that its own models have for this kind of task."""
        return self._with_models(lambda table: table.for_task(task))

    def on(self, hardware: Hardware) -> Self:
        """The same with its own models where and how a user asks for them to run."""
        return self._with_models(lambda table: table.on(hardware))

    def _with_models(self, change: Callable[[EncoderTable], EncoderTable]) -> Self:
        encoders = {name: table for name, table in self.tables.items() if isinstance(table, EncoderTable)}
        return self.model_copy(update={name: change(table) for name, table in encoders.items()})

    def check(self) -> None:
        """Raise `LapcaError` with what this machine lacks of what the system itself needs; nothing heavy is loaded."""
        for settings in self.models:
            settings.check()

    @abstractmethod
    def make(self, making: Making) -> System:
        """The system; weights and indexes are loaded when first needed."""


def saw(trained_on: Collection[str], family: str) -> bool:
    """Whether what a system was trained on holds a collection family ("help-pages" covers help-pages-bitext)."""
    return any(family == name or family.startswith(f"{name}-") for name in trained_on)
