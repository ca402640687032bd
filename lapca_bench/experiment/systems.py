"""Making systems from what an experiment names them by: a card's name, a card's path, an encoder's file, an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lapca_bench.encoders.adapt import adapt
from lapca_bench.encoders.kinds.user import load_user_encoder
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.search import registry
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.registry import Workspace
from lapca_bench.search.system import System
from lapca_bench.types import Task

_ENCODER_FILE = re.compile(r".+\.py:\w+")


@dataclass
class SystemFactory:
    """Makes each system when it is first asked for. `objects` holds, by name, systems that a program brought along."""

    names: tuple[str, ...]
    objects: dict[str, System | Encoder] = field(default_factory=dict)
    workspace: Workspace = field(default_factory=Workspace)
    _owner: dict[str, str] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, things: Iterable[object], workspace: Workspace | None = None) -> SystemFactory:
        """From names and objects mixed; raises `UsageError` for an unknown name or an object that is no system."""
        names: list[str] = []
        objects: dict[str, System | Encoder] = {}
        for thing in things:
            if isinstance(thing, str | Path):
                names.append(str(thing))
                continue
            made = thing if isinstance(thing, System) else adapt(thing)
            name = made.name if isinstance(made, System) else made.identity.name
            names.append(name)
            objects[name] = made
        check_names([name for name in names if name not in objects])
        return cls(tuple(names), objects, workspace or Workspace())

    def __call__(self, name: str, task: Task = "retrieval") -> System:
        """The system called `name`, prompted for `task` as its card says.

        Raises `UsageError` where another name made a system of the same name, which a table could not tell apart, and
        what the card or the encoder's file raises.
        """
        system = self._made(name, task)
        owner = self._owner.setdefault(system.name, name)
        if owner != name:
            raise UsageError(
                f"{owner} and {name} are both called {system.name!r}", remedy="give one of them another name"
            )
        return system

    def _made(self, name: str, task: Task) -> System:
        thing = self.objects.get(name)
        if isinstance(thing, System):
            return thing
        if thing is not None:
            return DenseSystem(thing, self.workspace.vectors, self.workspace.executor)
        if _ENCODER_FILE.fullmatch(name):
            return DenseSystem(load_user_encoder(name), self.workspace.vectors, self.workspace.executor)
        return registry.build_system(name, self.workspace, task)


def dense_system(name: str, made: System) -> DenseSystem:
    """`made`, which `name` named; raises `UsageError` where it is no dense system."""
    if not isinstance(made, DenseSystem):
        raise UsageError(f"{name} is no dense system ({made.identity.kind})", remedy="lapca-bench systems list")
    return made


def check_names(names: Sequence[str]) -> None:
    """Raise `UsageError`, with the nearest names, for a name that is neither a card nor an existing file.

    A card's file is read, so that a mistake in it is told before anything runs; raises what reading it raises.
    """
    for name in names:
        if name.endswith(".toml") or _ENCODER_FILE.fullmatch(name):
            path = Path(name.rpartition(":")[0] if ".py:" in name else name)
            if not path.is_file():
                raise UsageError("no such file", path=path, remedy="check the path")
            if path.suffix == ".toml":
                registry.find_card(name)
        elif ".py" in name or ":" in name:
            raise UsageError(f"{name!r} names no encoder", remedy="write file.py:Class, such as mine.py:Mine")
        elif name not in registry.cards():
            raise unknown_name("system", name, registry.cards())
