"""Making systems from what an experiment names them by.

That is a card's name or path, a folder of weights, a hub repository, an encoder's file, or an object of a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lapca_bench.encoders.adapt import adapt
from lapca_bench.encoders.kinds.user import FILE, PythonSettings, load_user_object
from lapca_bench.encoders.protocol import AnyEncoder, Encoder
from lapca_bench.errors import UsageError
from lapca_bench.experiment.system_cards import recorded_card
from lapca_bench.search import registry
from lapca_bench.search.adapted import system_of
from lapca_bench.search.card import SystemCard
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.registry import Workspace
from lapca_bench.search.system import System
from lapca_bench.types import Task


@dataclass
class SystemFactory:
    """Makes each system when it is first asked for.

    `objects` holds, by name, systems that a program brought along; `specifications` what is meant by names that were
    given to cards, folders or files.
    """

    names: tuple[str, ...]
    objects: dict[str, System | AnyEncoder] = field(default_factory=dict)
    workspace: Workspace = field(default_factory=Workspace)
    specifications: dict[str, str] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, things: Iterable[object] | Mapping[str, object], workspace: Workspace | None = None) -> SystemFactory:
        """From names and objects mixed, or from a mapping that gives them names.

        Objects of one name are numbered. Raises `UsageError` for an unknown name or an object that is no system.
        """
        made = cls((), workspace=workspace or Workspace())
        named: Iterable[tuple[str | None, object]] = (
            things.items() if isinstance(things, Mapping) else ((None, thing) for thing in things)
        )
        for name, thing in named:
            made.names = (*made.names, made._added(name, thing))
        check_names([made.specifications.get(name, name) for name in made.names if name not in made.objects])
        return made

    def _added(self, name: str | None, thing: object) -> str:
        """The name of a thing that is one of the systems from here on."""
        if isinstance(thing, str | Path):
            if name not in (None, str(thing)):
                self.specifications[str(name)] = str(thing)
            return name or str(thing)
        found = thing if isinstance(thing, System | Encoder) else adapt(thing, name)
        own = name or (found.name if isinstance(found, System) else found.identity.name)
        number, shown = 2, own
        while shown in self.objects or shown in self.names:
            shown, number = f"{own}-{number}", number + 1
        self.objects[shown] = found
        return shown

    def __call__(self, name: str, task: Task = "retrieval") -> System:
        """The system called `name`, prompted for `task` as its card says.

        A folder or file whose own name another system has is called as it was written. Raises `UsageError` where two
        cards are of one name, which a table could not tell apart, and what the card or the encoder's file raises.
        """
        system = self._made(name, task, name if name in self.specifications or name in self.objects else None)
        owner = self._owner.setdefault(system.name, name)
        if owner != name and not name.endswith(".toml"):
            system = self._made(name, task, name)
            owner = self._owner.setdefault(system.name, name)
        if owner != name:
            raise UsageError(
                f"{owner} and {name} are both called {system.name!r}", remedy="give one of them another name"
            )
        return system

    def _made(self, name: str, task: Task, shown: str | None) -> System:
        if name in self.objects:
            return system_of(self.objects[name], shown, self.workspace)
        specification = self.specifications.get(name, name)
        if FILE.fullmatch(specification):
            found = load_user_object(specification)
            own = found.thing.name if isinstance(found.thing, System) else found.name
            return system_of(found.thing, shown or own, self.workspace)
        card = registry.find_card(specification)
        card = card if shown is None else card.model_copy(update={"name": shown})
        return registry.build_card(card, self.workspace, task)

    def card(self, name: str) -> SystemCard | None:
        """The card of the system called `name`; None for an object, which has none."""
        if name in self.objects:
            return None
        specification = self.specifications.get(name, name)
        return (
            registry.card_of_file(specification) if FILE.fullmatch(specification) else registry.find_card(specification)
        )

    def foreign_code(self, name: str) -> tuple[str, ...]:
        """The code of files that making the system called `name` would run; an object's has run already."""
        return () if name in self.objects else foreign_code(self.specifications.get(name, name))

    def recorded(self, name: str, system: System) -> dict[str, object]:
        """What provenance records of how `system`, called `name`, is made."""
        return recorded_card("" if name in self.objects else self.specifications.get(name, name), system)


def dense_system(name: str, made: System) -> DenseSystem:
    """`made`, which `name` named; raises `UsageError` where it is no dense system."""
    if not isinstance(made, DenseSystem):
        raise UsageError(f"{name} is no dense system ({made.identity.kind})", remedy="lapca-bench systems list")
    return made


def check_names(names: Sequence[str]) -> None:
    """Raise `UsageError`, with the nearest names, for a name that stands for nothing.

    A card's file is read, so that a mistake in it is told before anything runs; raises what reading it raises.
    """
    for name in names:
        if FILE.fullmatch(name):
            path = Path(name.partition(".py:")[0] + ".py")
            if not path.is_file():
                raise UsageError("no such file", path=path, remedy="check the path")
        elif ".py" in name or (":" in name and not name.startswith("hub:")):
            raise UsageError(f"{name!r} names no encoder", remedy="write file.py:Class, such as mine.py:Mine")
        else:
            registry.find_card(name)


def foreign_code(name: str, parents: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The Python files and builders that making the system `name` would run, those of its parts included.

    What installed packages bring was let in when they were installed.
    """
    if FILE.fullmatch(name):
        return (_file(name),)
    card = registry.find_card(name)
    found = [
        _file(model.path) for model in card.models if isinstance(model, PythonSettings) and FILE.fullmatch(model.path)
    ]
    if card.builder is not None and name not in registry.cards():
        found.append(card.builder)
    for part in card.parts:
        if part not in parents:
            found += foreign_code(part, (*parents, name))
    return tuple(dict.fromkeys(found))


def refuse_foreign_code(name: str) -> None:
    """Raise `UsageError`, naming the code, where making this system would run code of a file."""
    if code := foreign_code(name):
        raise UsageError(
            f"this would run {', '.join(code)}",
            remedy="look at it, and say --run-code where you trust it",
        )


def _file(specification: str) -> str:
    return specification.partition(".py:")[0] + ".py"
