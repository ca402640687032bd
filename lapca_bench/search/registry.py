"""Finding and making systems by name: the cards that installed packages bring, or a card's path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from lapca_bench.encoders.kinds.user import PythonSettings, plugged_in
from lapca_bench.errors import STOPS, InputError, LapcaError, MissingResourceError, UsageError, unknown_name
from lapca_bench.extras import installing, lacking_modules
from lapca_bench.search.card import Making, SystemCard
from lapca_bench.search.dense import DenseCard
from lapca_bench.search.drafts.drafted import drafted, names_weights
from lapca_bench.search.kinds import read_card
from lapca_bench.search.not_run import NotRunCard
from lapca_bench.search.system import System
from lapca_bench.search.workspace import Workspace
from lapca_bench.types import Task

__all__ = ["Runnable", "Workspace", "build_card", "build_system", "card_of_file", "cards", "find_card", "status"]

ENTRY_POINTS = "lapca_bench.systems"  # a function without arguments that returns a folder of cards


@dataclass(frozen=True)
class Runnable:
    """Whether a system can run on this machine, and why not."""

    ok: bool
    reason: str = ""


@cache
def cards() -> Mapping[str, SystemCard]:
    """All cards by name, sorted; raises `UsageError` for a malformed card, `InputError` for two of one name."""
    found: dict[str, SystemCard] = {}
    origin: dict[str, Path] = {}
    for point in entry_points(group=ENTRY_POINTS):
        for path in sorted(_card_folder(point).glob("*.toml")):
            card = read_card(path)
            if card.name in found:
                raise InputError(
                    f"system {card.name!r} has a card in {origin[card.name]} too",
                    path=path,
                    remedy="rename one of them",
                )
            found[card.name], origin[card.name] = card, path
    for name, point in plugged_in().items():
        if name in found:
            raise InputError(
                f"encoder {name!r} of {point.value} has the name of a system",
                path=origin[name],
                remedy="rename one of them",
            )
        found[name] = _card_of_encoder(point)
    return dict(sorted(found.items()))


def _card_of_encoder(point: EntryPoint) -> SystemCard:
    """The card of an encoder that a package brings without one: all that can be known of it."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
    return _card_of_python(point.name, point.name, f"encoder of the package {package}")


def _card_of_python(name: str, path: str, origin: str) -> SystemCard:
    return DenseCard(
        name=name,
        title=name,
        kind="dense",
        licence="not stated",
        citation="",
        url="",
        languages=["*"],
        note=f"{origin}; what it was trained on is not stated",
        encoder=PythonSettings(type="python", path=path),
    )


def _card_folder(point: EntryPoint) -> Path:
    try:
        return Path(point.load()())
    except STOPS:
        raise
    except BaseException as error:
        raise UsageError(
            f"the package that offers systems as {point.name!r} cannot be used: {type(error).__name__}: {error}",
            remedy=f"mend or uninstall it: its entry point is {point.value}",
        ) from error


def find_card(name: str) -> SystemCard:
    """The card called `name`, the one in the file `name`, or one made of a folder of weights or a hub repository.

    Raises `UsageError` with the nearest names, and what `drafted` raises.
    """
    if name.endswith(".toml"):
        return read_card(Path(name))
    if name in cards():
        return cards()[name]
    if names_weights(name):
        return drafted(name).card
    if name.startswith((".", "/", "~")):
        raise UsageError("no such folder", path=Path(name), remedy="check the path")
    raise unknown_name("system", name, cards())


def card_of_file(specification: str) -> SystemCard:
    """The card of an encoder in a Python file, "file.py:Name"."""
    path, _, member = specification.partition(".py:")
    return _card_of_python(member, f"{Path(path + '.py').expanduser().resolve()}:{member}", "encoder of a file")


def build_system(name: str, workspace: Workspace | None = None, task: Task = "retrieval") -> System:
    """The system that `name` (a card's name or path) describes, prompted for `task`.

    Weights and indexes are loaded when first needed.
    """
    return build_card(find_card(name), workspace or Workspace(), task)


def build_card(card: SystemCard, workspace: Workspace, task: Task = "retrieval") -> System:
    """The system that a card describes, prompted for `task`."""
    return _build(card, workspace, task, ())


def _build(card: SystemCard, workspace: Workspace, task: Task, parents: tuple[str, ...]) -> System:
    if card.name in parents:
        raise UsageError(f"system {card.name!r} is made of itself", remedy="name other systems in its card")
    lacking = _lacking_extras(card)
    if lacking:
        raise MissingResourceError(f"{card.name}: {lacking}", remedy=installing(*card.requires))

    def part(name: str) -> System:
        return _build(find_card(name), workspace, task, (*parents, card.name))

    return card.for_task(task).on(workspace.hardware).make(Making(workspace, part))


def _lacking_extras(card: SystemCard) -> str:
    missing = lacking_modules(card.requires)
    return f"not installed: {', '.join(missing)}" if missing else ""


def status(name: str) -> Runnable:
    """Whether `name` runs here: libraries, Java, weights. Heavy libraries are not imported, nothing is computed."""
    try:
        return _status(find_card(name), ())
    except LapcaError as error:
        return Runnable(False, error.message)


def _status(card: SystemCard, parents: tuple[str, ...]) -> Runnable:
    if isinstance(card, NotRunCard):
        return Runnable(False, card.reason)
    lacking = _lacking_extras(card)
    if lacking:
        return Runnable(False, lacking)
    for part in card.parts:
        if part in parents:
            return Runnable(False, f"{part} is made of itself")
        found = _status(find_card(part), (*parents, card.name))
        if not found.ok:
            return Runnable(False, f"{part}: {found.reason}")
    try:
        card.check()
    except MissingResourceError:
        wanted = card.downloads
        if not wanted:
            raise
        size = wanted.size
        return Runnable(False, f"fetch: lapca-bench fetch {card.name}" + (f" ({size / 1e6:,.0f} MB)" if size else ""))
    return Runnable(True)
