"""Choosing among stored results: the newest of each system on each collection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import CollectionCard
from lapca_bench.errors import LapcaError, MissingResourceError, UsageError, unknown_name
from lapca_bench.experiment.columns import Place, places
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import StoredResult, newest

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """One result per system and collection.

    `places` are the columns they are to fill; `left_out` says of which others were passed over, and why.
    """

    results: tuple[StoredResult, ...]
    places: tuple[Place, ...]
    left_out: tuple[str, ...]


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

    Without `split` and `depth` those that the collection itself states, where a result has them. Results of other files
    than the collection's (its newest result's, where its card is not here), and of another system of the same name
    than the newest, stand for nothing: they are left out. Raises `UsageError` for an unknown collection or a system
    without a result, where nothing is stored, and where all that is stored is of other files.
    """
    stored = list(stored_results(root))
    names = members(name, stored)
    here = [result for result in stored if result.collection in names]
    cards = _cards(name)
    if split is None:
        here = _own(here, lambda result: result.split, {card.name: card.splits[0] for card in cards.values()})
    if depth is None:
        depths: dict[str, int | None] = {card.name: card.policy.depth for card in cards.values()}
        here = _own(here, lambda result: result.provenance.depth, depths)
    here = [
        result
        for result in here
        if (split is None or result.split == split) and (depth is None or result.provenance.depth == depth)
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
    of_these_files, stale = _of_these_files(wanted, cards)
    if not of_these_files:
        raise UsageError(
            f"all results on {name} in {root} are of other files than these: {_named(stale)}",
            remedy=f"lapca-bench run --collection {name} makes them anew",
        )
    of_one_system, other = _of_one_system(of_these_files)
    order = list(systems) or list(known)
    chosen = sorted(
        newest(of_one_system, by=("system", "collection")).values(),
        key=lambda r: (order.index(r.system), names.index(r.collection)),
    )
    reasons = {
        "of other files of the collection": stale,
        "of another system of the same name": other,
        "older": [result for result in of_one_system if result not in chosen],
    }
    said = tuple(f"{why}: {_named(results)}" for why, results in reasons.items() if results)
    return Selection(tuple(chosen), columns(names, chosen), said)


def _cards(name: str) -> dict[str, CollectionCard]:
    """The cards of the collections that `name` stands for, by what loads them; none where they are elsewhere."""
    try:
        return {member: collections.card(member) for member in collections.expand(name)}
    except LapcaError:
        return {}


def _own(results: list[StoredResult], of: Callable[[StoredResult], T], own: Mapping[str, T]) -> list[StoredResult]:
    """Per collection those with its own value, where one has it; else all."""
    has = {result.collection for result in results if of(result) == own.get(result.collection)}
    return [result for result in results if result.collection not in has or of(result) == own[result.collection]]


def _of_these_files(
    results: Sequence[StoredResult], cards: Mapping[str, CollectionCard]
) -> tuple[list[StoredResult], list[StoredResult]]:
    """Results of the collections' files as they are now, and results of others.

    Files are looked at where a card of the user's was named, or where results differ.
    """
    now: dict[tuple[str, str], str] = {}
    for (collection, split), latest in newest(results, by=("collection", "split")).items():
        found = {_files(one) for one in results if (one.collection, one.split) == (collection, split)}
        loads = next((member for member, card in cards.items() if card.name == collection), None)
        now[collection, split] = _files(latest)
        if loads is not None and (len(found) > 1 or loads.endswith(".toml")):
            with suppress(MissingResourceError):
                now[collection, split] = collections.load(loads, split).fingerprint
    same = [result for result in results if _files(result) == now[result.collection, result.split]]
    return same, [result for result in results if _files(result) != now[result.collection, result.split]]


def _files(result: StoredResult) -> str:
    return result.provenance.collection.fingerprint


def _of_one_system(results: Sequence[StoredResult]) -> tuple[list[StoredResult], list[StoredResult]]:
    """Per name the results of the system that its newest result is of, and those of others: a row is one system's.

    Collections of different kinds prompt one system differently, so this is asked within a family.
    """
    latest = {
        (one.system, one.collection.partition("/")[0]): one.system_digest
        for one in sorted(results, key=lambda result: result.provenance.finished)
    }
    same = [one for one in results if one.system_digest == latest[one.system, one.collection.partition("/")[0]]]
    return same, [one for one in results if one not in same]


def _named(results: Iterable[StoredResult]) -> str:
    return ", ".join(dict.fromkeys(f"{result.system} on {result.collection}" for result in results))
