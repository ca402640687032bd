"""Choosing among stored results: the newest of each system on each collection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.collections import registry as collections
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.experiment.columns import Place, places
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import StoredResult, newest


@dataclass(frozen=True)
class Selection:
    """One result per system and collection.

    `places` are the columns they are to fill, `older` counts older results of the same systems and collections, which
    were passed over.
    """

    results: tuple[StoredResult, ...]
    places: tuple[Place, ...]
    older: int


def members(name: str, stored: Iterable[StoredResult]) -> tuple[str, ...]:
    """The collections that `name` stands for; one that only results know (its card is elsewhere) stands for itself."""
    if any(result.collection == name for result in stored):
        return (name,)
    return tuple(collections.card(member).name for member in collections.expand(name))


def columns(names: Sequence[str], results: Sequence[StoredResult]) -> tuple[Place, ...]:
    """The columns of collections: query languages as their results have them, as their cards say where there is none.

    Raises `UsageError` where the collections cannot stand in one table.
    """
    seen = {result.collection: result.languages for result in results}
    languages: dict[str, Sequence[str]] = {}
    for name in names:
        own = name if name in seen else collections.card(name).name  # a name may be the path of a card
        languages[own] = seen[own] if own in seen else collections.card(name).query_languages
    return places(languages)


def select(
    root: Path,
    name: str,
    systems: Collection[str] = (),
    split: str | None = None,
    depth: int | None = None,
) -> Selection:
    """The newest result below `root` of every system (or of `systems`) on the collections that `name` stands for.

    Raises `UsageError` for an unknown collection or a system without a result, and where nothing is stored.
    """
    stored = list(stored_results(root))
    names = members(name, stored)
    here = [
        result
        for result in stored
        if result.collection in names
        and (split is None or result.split == split)
        and (depth is None or result.provenance.depth == depth)
    ]
    if not here:
        others = sorted({result.collection for result in stored})
        remedy = f"stored: {', '.join(others)}" if others else f"lapca-bench run --collection {name} --system NAME"
        raise UsageError(f"no result on {name} is stored in {root}", remedy=remedy)
    known = dict.fromkeys(result.system for result in here)
    for system in systems:
        if system not in known:
            raise unknown_name(f"system with a result on {name}:", system, known)
    wanted = [result for result in here if not systems or result.system in systems]
    order = list(systems) or list(known)
    chosen = sorted(
        newest(wanted, by=("system", "collection")).values(),
        key=lambda r: (order.index(r.system), names.index(r.collection)),
    )
    return Selection(tuple(chosen), columns(names, chosen), len(wanted) - len(chosen))
