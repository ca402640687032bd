"""The card of a system as its results carry it: what it is, as data, without where its files lie on this machine.

Results are published, and whoever reads them must know what they are of though the card was a file of its author or
there was none: then one is written of what can be known of a class in a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lapca_bench.digest import digest_file
from lapca_bench.encoders.kinds.user import PythonSettings
from lapca_bench.errors import LapcaError
from lapca_bench.search import registry
from lapca_bench.search.card import SystemCard
from lapca_bench.search.dense import DenseCard
from lapca_bench.search.system import System

NOT_STATED = "not stated"


def recorded_card(name: str, system: System) -> dict[str, object]:
    """What provenance records of the system that `name` made: its `card`, and of a class in a file its `source`."""
    place, found, member = name.partition(".py:")
    path = Path(f"{place}.py").expanduser()
    if found and path.is_file():
        source = {"file": path.name, "class": member, "sha256": digest_file(path)}
        return {"card": _written(system, f"{path.name}:{member}"), "source": source}
    try:
        card = registry.find_card(name)
    except LapcaError:  # an object that a program brought along
        return {"card": _written(system, "")}
    values = card.model_dump(mode="json")
    return {"card": values if name in registry.cards() else without_folders(values)}


def _written(system: System, path: str) -> dict[str, Any]:
    """The card of a system without one: what can be known of it."""
    card: SystemCard = DenseCard(
        name=system.name,
        title=system.name,
        kind="dense",
        licence=NOT_STATED,
        citation=NOT_STATED,
        url=NOT_STATED,
        languages=["*"],
        note="its author wrote no card",
        encoder=PythonSettings(type="python", path=path or system.name),
    )
    return card.model_dump(mode="json")


def without_folders(value: Any) -> Any:
    """`value` with the last part of every path that is on this machine in place of the path."""
    if isinstance(value, dict):
        return {name: without_folders(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_folders(inner) for inner in value]
    if not isinstance(value, str) or "/" not in value or "\n" in value or len(value) > 4096:
        return value
    place, colon, member = value.rpartition(":")
    path = Path(place if colon and place.endswith(".py") else value).expanduser()
    if not (path.is_absolute() or path.exists()):
        return value
    return f"{path.name}:{member}" if colon and place.endswith(".py") else path.name
