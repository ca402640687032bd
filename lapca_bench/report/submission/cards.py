"""The card of every system in a submission: one that is given, else what its results carry, else the one known here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lapca_bench.errors import LapcaError, UsageError
from lapca_bench.experiment.system_cards import without_folders
from lapca_bench.report.submission.checks import Check
from lapca_bench.report.submission.schema import refused
from lapca_bench.search.card import SystemCard
from lapca_bench.search.kinds import card_class, read_card
from lapca_bench.search.registry import find_card
from lapca_bench.store.results import StoredResult


def card_from(values: Mapping[str, Any], name: str) -> SystemCard:
    """The card that JSON values describe; raises `UsageError` where they are none."""
    card = card_class(values)
    known = {key: value for key, value in values.items() if value or key in card.model_fields}
    try:  # versions before packed the tables of all kinds, empty but for one
        return card.model_validate(known)
    except ValidationError as error:
        raise UsageError(f"the card of {name} is not valid: {refused(error)}", remedy="mend the card") from error


def cards_of(results: Sequence[StoredResult], given: Iterable[Path] = ()) -> tuple[dict[str, SystemCard], list[Check]]:
    """By name the card of every system of `results`, and the checks of those that have none.

    `given` are card files; each is of one of the systems, by its name. Raises `UsageError` for one that is not.
    """
    found = {card.name: card for card in map(_shareable, given)}
    names = list(dict.fromkeys(result.system for result in results))
    if foreign := [name for name in found if name not in names]:
        remedy = f"name = {names[0]!r} in the card" if len(names) == 1 else f"systems: {', '.join(names)}"
        raise UsageError(f"no result is of the system {foreign[0]!r}, of which a card was given", remedy=remedy)
    lacking = []
    for name in names:
        try:
            found.setdefault(name, _known(name, [result for result in results if result.system == name]))
        except LapcaError as error:
            lacking.append(Check(f"{name}: card", "FAILS", f"{error.message}; name its file with --card"))
    return found, lacking


def _shareable(path: Path) -> SystemCard:
    card = read_card(path)
    return card_from(without_folders(card.model_dump(mode="json")), card.name)


def _known(name: str, results: Sequence[StoredResult]) -> SystemCard:
    """The card that the newest of the results carries, else the one of that name here."""
    for result in sorted(results, key=lambda result: result.provenance.finished, reverse=True):
        values = result.provenance.get("card")
        if isinstance(values, dict) and values.get("name") == name:
            return card_from(values, name)
    return find_card(name)
