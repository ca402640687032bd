"""Everything that a maintainer would check of results, and that whoever submits them can check before.

Facts are recomputed where they can be: scores, means and counts, digests and keys (`board.verify`), what is said of the
collection, the name and the card against the systems that are known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from lapca_bench.collections import registry as collections
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.experiment.system_cards import NOT_STATED
from lapca_bench.report.board.verify import Verification, verify
from lapca_bench.report.submission.schema import SYSTEM_NAME
from lapca_bench.search import registry
from lapca_bench.search.card import SystemCard
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import MANIFEST, AnyResult, Facts, StoredResult, read_result

REQUIRED = ("licence", "citation", "url", "languages")  # of a card, not empty
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)  # before it there was nothing to submit
State = Literal["ok", "FAILS", "not here"]


@dataclass(frozen=True)
class Check:
    """One thing that a submission must fulfil; "not here" could not be checked on this machine."""

    what: str
    state: State
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.state == "ok"

    @classmethod
    def of(cls, what: str, fault: str) -> Check:
        """Fulfilled where there is no fault."""
        return cls(what, "FAILS" if fault else "ok", fault)


def results_in(folder: Path) -> list[StoredResult]:
    """The results in `folder` and below it: one result's folder, a system's, or all that `lapca-bench run` stored.

    Raises `InputError` where there is none.
    """
    found = [read_result(path.parent) for path in sorted(folder.rglob(MANIFEST))]
    if not found:
        raise InputError("no result in this folder", path=folder, remedy="name the folder that `lapca-bench run` wrote")
    return found


def check(results: Sequence[AnyResult], cards: Mapping[str, SystemCard]) -> list[Check]:
    """All checks of results whose systems have these `cards`.

    Names and cards first, then of every result its run scored again and what it says of how it was made.
    """
    names = dict.fromkeys(result.system for result in results)
    checks = [one for name in names for one in _system(name, cards.get(name))]
    places = [(result.system, result.collection, result.split) for result in results]
    twice = [place for place in dict.fromkeys(places) if places.count(place) > 1]
    checks += [Check("{} on {} ({})".format(*place), "FAILS", "stands here more than once") for place in twice]
    for verification in verify(results):
        result = verification.result
        place_name = place_of(result)
        checks.append(_scored(place_name, verification))
        checks.append(Check.of(f"{place_name}: provenance", "; ".join(_provenance(result))))
    return checks


def place_of(result: Facts) -> str:
    """A result in words."""
    return f"{result.system} on {result.collection} ({result.split})"


def _scored(place: str, verification: Verification) -> Check:
    what = f"{place}: run scored again"
    if verification.state == "verified" and verification.unseen:
        return Check(what, "FAILS", verification.reason)
    states: dict[str, State] = {"verified": "ok", "not verified": "not here"}
    return Check(what, states.get(verification.state, "FAILS"), verification.reason)


def _system(name: str, card: SystemCard | None) -> Iterator[Check]:
    """The system's name, and its card."""
    fault = "" if SYSTEM_NAME.fullmatch(name) else "not a name for a shared board: ASCII, at most 100 characters"
    yield Check.of(f"{name}: name", fault or _taken(name))
    if card is None:  # told by whoever looked for it
        return
    empty = [field for field in REQUIRED if not getattr(card, field)]
    faults = [f"lacks {', '.join(empty)}"] if empty else []
    faults += [] if card.name == name else [f"is of {card.name!r}"]
    faults += [fault] if (fault := _other_card(card)) else []
    unsaid = [field for field in REQUIRED if getattr(card, field) == NOT_STATED]
    remark = f"{', '.join(unsaid)} not stated; write a card and name it with --card" if unsaid else ""
    yield Check.of(f"{name}: card", "; ".join(faults)) if faults else Check(f"{name}: card", "ok", remark)


def _taken(name: str) -> str:
    """Whether the name reads like that of another system that is known here."""
    alike = [known for known in registry.cards() if known != name and known.casefold() == name.casefold()]
    return f"differs from {alike[0]!r} by capital letters only" if alike else ""


def _other_card(card: SystemCard) -> str:
    """Whether a system of this name is known here by another card."""
    known = registry.cards().get(card.name)
    if known is None:
        return ""
    ours, theirs = (one.model_dump(mode="json") for one in (known, card))
    other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return f"a system of this name has another card here ({', '.join(other)})" if other else ""


def _provenance(result: AnyResult) -> Iterator[str]:
    """What is missing, impossible, or not what is known here, of how a result says it was made."""
    about = result.provenance
    lacking = [
        key for key in ("command", "versions", "collection", "system", "policy", "timings") if not about.get(key)
    ]
    if not about.get("commit") and "lapca-bench" not in _table(about, "versions"):
        lacking.append("commit")
    if lacking:
        yield f"lacks {', '.join(lacking)}"
    yield from _moment(about.finished)
    longest = max((int(n) for n in _lengths(result)), default=0)
    if about.depth is not None and longest > about.depth:
        yield f"a query has {longest} documents, and depth is {about.depth}"
    try:
        card = collections.card(result.collection)
    except LapcaError as error:
        yield error.message
        return
    if result.split not in card.splits:
        yield f"the collection has no split {result.split!r}"
    yield from _other_facts("collection", about, {"name": card.name, "licence": card.licence})
    policy = Provenance.recorded(asdict(card.policy))
    said = _table(about, "policy")
    later = {name: said.get(name) or policy[name] for name in ("translations", "task")}  # older results lack them
    yield from _other_facts("policy", about, policy, later)
    if result.title != result.system:
        yield "its title is not its system's name"


def _other_facts(
    table: str, about: Provenance, known: Mapping[str, Any], instead: Mapping[str, Any] | None = None
) -> Iterator[str]:
    said = {**_table(about, table), **(instead or {})}
    if other := [name for name, value in known.items() if said.get(name) != value]:
        yield f"{table}: {', '.join(other)} not as the collection's"


def _lengths(result: AnyResult) -> Iterator[int]:
    return (after - before for before, after in pairwise(result.run.offsets.tolist()))


def _table(about: Provenance, name: str) -> Mapping[str, Any]:
    found = about.get(name)
    return found if isinstance(found, dict) else {}


def _moment(text: str) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        yield "does not say when it was finished"
        return
    if moment.tzinfo is None or not FIRST_DAY <= moment <= datetime.now(UTC) + timedelta(days=1):
        yield f"finished at {text}, when no result can have been made"


def as_records(checks: Sequence[Check]) -> list[dict[str, object]]:
    """The checks as JSON values."""
    return [{"what": one.what, "ok": one.ok, "state": one.state, "detail": one.detail} for one in checks]
