"""Merging a submission into a folder of kept results: what is new, what stands there already, and what it would replace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError
from lapca_bench.report.submission.checks import Check, check, place_of
from lapca_bench.report.submission.packed import read
from lapca_bench.search.card import SystemCard
from lapca_bench.search.kinds import card_class
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import ResultStore, StoredResult


@dataclass(frozen=True)
class Merging:
    """A submission beside what stands: its checks, the results to be added and those that each of them would replace."""

    checks: Sequence[Check]
    new: Sequence[StoredResult]
    unchanged: Sequence[StoredResult]
    replaced: Mapping[str, Sequence[StoredResult]]  # by the key of the result that comes
    merged: bool

    @property
    def fails(self) -> bool:
        """Whether anything was refused."""
        return not all(one.ok for one in self.checks)


def merge(path: Path, root: Path, *, replace: bool = False) -> Merging:
    """Check the results of a packed file, and keep them below `root` if all checks hold.

    The results are stored in a folder of their own first, scored again there with their full runs, and only then kept
    in the compact form. What stands below `root` under the same key, or for the same system, collection and split, is
    replaced only with `replace`; what is there already to the last score stays. Raises `InputError` where the file is
    no submission.
    """
    from tempfile import TemporaryDirectory

    submission = read(path)
    standing = list(stored_results(root)) if root.exists() else []
    with TemporaryDirectory(prefix="lapca-bench-") as scratch:
        store = ResultStore(Path(scratch))
        for result in submission.results:
            store.write(result)
        come = list(store.all())
        checks = check(come, lambda name: packed_card(submission.cards, name, path))
        if len(come) < len(submission.results):
            checks.append(Check("keys", "FAILS", "two results have one key"))
        new, unchanged, replaced = [], [], {}
        for result in come:
            stands = [one for one in standing if _same_place(one, result)]
            if any(one.key == result.key and _same(one, result) for one in stands):
                unchanged.append(result)
                continue
            new.append(result)
            if stands:
                replaced[result.key] = stands
                state = "ok" if replace else "FAILS"
                checks.append(Check(f"{place_of(result)}: stands already", state, _told(result, stands)))
        checks += [one for name in dict.fromkeys(r.system for r in new) for one in _namesakes(name, new, standing)]
        merged = all(one.ok for one in checks)
        if merged and new:
            gone = {one.key for stands in replaced.values() for one in stands}
            keep(new, root, replacing=gone)
        return Merging(checks, new, unchanged, replaced, merged)


def _same_place(one: StoredResult, other: StoredResult) -> bool:
    return one.key == other.key or (one.system, one.collection, one.split) == (
        other.system, other.collection, other.split,
    )  # fmt: skip


def _same(one: StoredResult, other: StoredResult) -> bool:
    """Whether a kept result is the one that comes, to every score; its run is cut."""
    keys = ["measure", "language", "query"]
    scores = [result.scores.sort_values(keys, ignore_index=True)[[*keys, "value"]] for result in (one, other)]
    return one.system == other.system and scores[0].equals(scores[1])


def _told(result: StoredResult, stands: Sequence[StoredResult]) -> str:
    """Whose result stands there, with its key and main mean, and how to replace it."""
    told = [
        f"{one.system}, key {one.key[:12]}, {_mean(one)}, finished {one.provenance.finished or 'at no known time'} by "
        f"`{one.provenance.get('command', 'a command that is not recorded')}`"
        for one in stands
    ]
    return f"{'; '.join(told)}; this one has key {result.key[:12]}, {_mean(result)}; --replace puts it there"


def _mean(result: StoredResult) -> str:
    over = "" if result.provenance.policy.average == "macro" else "*"
    found = [one for one in result.aggregates if one["language"] == over] or list(result.aggregates)
    first = found[0] if found else None
    if first is None or first["mean"] is None:
        return "no mean"
    return f"{first['measure']} {100 * first['mean']:.1f}"


def _namesakes(name: str, new: Sequence[StoredResult], standing: Sequence[StoredResult]) -> list[Check]:
    """Whether a system of this name, as it stands elsewhere on the boards, was made of other settings."""
    ours = {result.system_digest for result in new if result.system == name}
    theirs = [result for result in standing if result.system == name]
    if not theirs or ours & {result.system_digest for result in theirs}:
        return []
    like = [result for result in theirs if _parts(result) == _parts(next(r for r in new if r.system == name))]
    if like:
        return []
    detail = f"{len(theirs)} results of {name} stand here, made of other settings; choose another name"
    return [Check(f"{name}: same system as on the boards", "FAILS", detail)]


def _parts(result: StoredResult) -> Any:
    """The settings of a system without the versions of its libraries, which change from release to release."""
    system = result.provenance.get("system")
    if not isinstance(system, dict):
        return None
    settings = system.get("settings")
    kept = {name: value for name, value in settings.items() if name not in _VERSIONS} if isinstance(settings, dict) else {}
    return {"kind": system.get("kind"), "settings": kept}


_VERSIONS = {"versions", "java", "lucene", "anserini"}


def packed_card(cards: Mapping[str, Mapping[str, Any]], name: str, path: Path) -> SystemCard:
    """The card of a system that a submission at `path` brings; raises `InputError` where it is none."""
    values = cards.get(name)
    if values is None:
        raise InputError(f"the submission has no card of {name}", path=path)
    card = card_class(values)
    try:  # versions before packed the tables of all kinds, empty but for one
        return card.model_validate({key: value for key, value in values.items() if value or key in card.model_fields})
    except ValueError as error:
        raise InputError(f"the card of {name} is not valid: {error}", path=path) from error
