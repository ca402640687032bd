"""Merging a submission into a folder of kept results: what is new, what stands already, what would be replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lapca_bench.errors import LapcaError, UsageError
from lapca_bench.report.board.verify import values_of
from lapca_bench.report.submission.cards import card_from
from lapca_bench.report.submission.checks import Check, State, check, place_of
from lapca_bench.report.submission.packed import read
from lapca_bench.report.submission.review import main_measure, mean_of, review
from lapca_bench.search.card import SystemCard
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import AnyResult, Result, ResultStore, StoredResult


@dataclass(frozen=True)
class Merging:
    """A submission beside what stands: its checks, the results to be added, and what each of them would replace."""

    checks: Sequence[Check]
    new: Sequence[Result]
    unchanged: Sequence[Result]
    replaced: Mapping[str, Sequence[StoredResult]]  # by the key of the result that comes
    review: Sequence[str]
    merged: bool


def merge(path: Path, root: Path, *, replace: bool = False) -> Merging:
    """Check the results of a packed file, and keep them below `root` if all checks hold.

    Nothing is written before. What stands below `root` under the same key, or for the same system, collection and
    split, is replaced only with `replace`; what is there already to the last score stays. Raises `InputError` where the
    file is no submission.
    """
    come, checks = _checked(path)
    standing = list(stored_results(root)) if root.exists() else []
    state: State = "ok" if replace else "FAILS"
    new: list[Result] = []
    unchanged: list[Result] = []
    replaced: dict[str, list[StoredResult]] = {}
    for result in come:
        stands = [one for one in standing if _same_place(one, result)]
        if any(one.key == result.key and _same(one, result) for one in stands):
            unchanged.append(result)
            continue
        new.append(result)
        if stands:
            replaced[result.key] = stands
            checks.append(Check(f"{place_of(result)}: stands already", state, _told(result, stands)))
    names = dict.fromkeys(result.system for result in new)
    checks += [one for name in names for one in _namesakes(name, new, standing, state)]
    merged = all(one.ok for one in checks)
    if merged and new:
        _keep(new, root, [one for stands in replaced.values() for one in stands])
    return Merging(checks, new, unchanged, replaced, list(review(new, standing, checks)), merged)


def _keep(new: Sequence[Result], root: Path, replacing: Sequence[StoredResult]) -> None:
    """Store the results whole in a folder of their own, which gives their files' digests, and keep them from there."""
    with TemporaryDirectory(prefix="lapca-bench-") as scratch:
        store = ResultStore(Path(scratch))
        for result in new:
            store.write(result)
        keep(store.all(), root, replacing=replacing)


def check_packed(path: Path) -> list[Check]:
    """The checks of a packed file, as `merge` makes them, but for those against what stands on a board."""
    return _checked(path)[1]


def _checked(path: Path) -> tuple[Sequence[Result], list[Check]]:
    """The results of a packed file, and their checks."""
    submission = read(path)
    come = submission.results
    cards: dict[str, SystemCard] = {}
    checks = []
    for name in dict.fromkeys(result.system for result in come):
        try:
            cards[name] = _packed_card(submission.cards, name)
        except LapcaError as error:
            checks.append(Check(f"{name}: card", "FAILS", error.message))
    odd = [place_of(come[number]) for number in submission.disordered]
    checks += [Check(f"{place}: run", "FAILS", "its rows are not in the order of their scores") for place in odd]
    if len({(result.key, result.system) for result in come}) < len(come):
        checks.append(Check("keys", "FAILS", "two results of one system have one key"))
    return come, [*checks, *check(come, cards)]


def _same_place(one: StoredResult, other: Result) -> bool:
    return one.key == other.key or (one.system, one.collection, one.split) == (
        other.system, other.collection, other.split,
    )  # fmt: skip


def _same(one: StoredResult, other: Result) -> bool:
    """Whether a kept result is the one that comes, to every score; its run is cut."""
    return one.system == other.system and values_of(one.scores) == values_of(other.scores)


def _told(result: Result, stands: Sequence[StoredResult]) -> str:
    """Whose result stands there, with its key and main mean, and how to replace it."""
    told = [
        f"{one.system}, key {one.key[:12]}, {_mean(one)}, finished {one.provenance.finished or 'at no known time'} by "
        f"`{one.provenance.get('command', 'a command that is not recorded')}`"
        for one in stands
    ]
    return f"{'; '.join(told)}; this one has key {result.key[:12]}, {_mean(result)}; --replace puts it there"


def _mean(result: AnyResult) -> str:
    measure = main_measure(result)
    mean = mean_of(result, measure)
    return "no mean" if mean is None else f"{measure} {100 * mean:.1f}"


def _namesakes(name: str, new: Sequence[Result], standing: Sequence[StoredResult], state: State) -> list[Check]:
    """Whether a system of this name, as it stands elsewhere on the boards, was made of other settings."""
    ours = {result.system_digest for result in new if result.system == name}
    theirs = [result for result in standing if result.system == name]
    if not theirs or ours & {result.system_digest for result in theirs}:
        return []
    like = [result for result in theirs if _parts(result) == _parts(next(r for r in new if r.system == name))]
    if like:
        return []
    detail = f"{len(theirs)} results of {name} stand here, made of other settings; choose another name, or --replace"
    return [Check(f"{name}: same system as on the boards", state, detail)]


def _parts(result: AnyResult) -> Any:
    """The settings of a system without the versions of its libraries, which change from release to release."""
    system = result.provenance.get("system")
    if not isinstance(system, dict):
        return None
    settings = system.get("settings")
    if not isinstance(settings, dict):
        return None
    return {name: value for name, value in settings.items() if name not in _VERSIONS}


_VERSIONS = {"versions", "java", "lucene", "anserini"}


def _packed_card(cards: Mapping[str, Mapping[str, Any]], name: str) -> SystemCard:
    if name not in cards:
        raise UsageError(f"the submission has no card of {name}", remedy="pack it again")
    return card_from(cards[name], name)
