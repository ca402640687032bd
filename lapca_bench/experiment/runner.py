"""Running cells: search, score, store; a finished cell is found again by its key, a failing one stops no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Literal

from lapca_bench.atomic import write_text
from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import Collection, CollectionCard
from lapca_bench.collections.judged import absent_judged
from lapca_bench.errors import STOPS, LapcaError, UsageError, contained
from lapca_bench.experiment import provenance
from lapca_bench.experiment.encoding_cost import EncodingCost, Estimator
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.prompts import prompts_of
from lapca_bench.experiment.rescoring import means_of, score_run, within_kept
from lapca_bench.run import Run
from lapca_bench.scoring import Scores, parse
from lapca_bench.search.card import SystemCard
from lapca_bench.search.drafts.card_file import card_text
from lapca_bench.search.system import System
from lapca_bench.store.kept import KeptResult, families
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.result_key import result_key
from lapca_bench.store.results import Facts, Result, ResultStore, StoredResult, read_result
from lapca_bench.types import Task

log = logging.getLogger(__name__)

CARD = "card.toml"  # beside a result: how its system is made, ready to be edited

State = Literal["new", "rescored", "reused", "failed"]


@dataclass(frozen=True)
class Outcome:
    """How one cell ended: with a result, whose main measure is `measure`, or with the error that it failed with."""

    cell: Cell
    state: State
    result: StoredResult | None = None
    measure: str = ""
    error: Exception | None = None

    @property
    def mean(self) -> float | None:
        """The mean of the main measure, over languages or queries as the collection says; None where there is none."""
        if self.result is None:
            return None
        over = "" if self.result.provenance.policy.average == "macro" else "*"
        means = {(found["measure"], found["language"]): found["mean"] for found in self.result.aggregates}
        return means[self.measure, over]

    @property
    def reason(self) -> str:
        """Why it failed, with the remedy; "" where it did not."""
        if self.error is None or isinstance(self.error, LapcaError):
            return str(self.error or "")
        return f"{type(self.error).__name__}: {self.error}\n  fix: run it again with --verbose to see where"


@dataclass(frozen=True)
class Request:
    """What is asked of every cell: the split, the depth and further measures; None means what the collection says.

    `keep` stores only the first documents of every query, after the whole run was scored: LAReQA ranks a pool of 13,014
    for each of 13,090 questions, which nobody can publish. Raises `UsageError` where a measure that is asked for looks
    deeper than the depth that is asked for.
    """

    split: str | None = None
    depth: int | None = None
    measures: tuple[str, ...] = ()
    keep: int | None = None

    def __post_init__(self) -> None:
        needed = _deepest(self.measures)
        if self.depth is not None and needed > self.depth:
            raise UsageError(
                f"a measure looks at {needed} documents per query, but only {self.depth} are retrieved",
                key="depth",
                remedy=f"use --depth {needed} or more",
            )

    def measures_of(self, card: CollectionCard) -> tuple[str, ...]:
        """Measures to score, the main one first: those asked for, then the collection's."""
        return tuple(dict.fromkeys(str(parse(name)) for name in (*self.measures, *card.policy.measures)))

    def depth_of(self, card: CollectionCard) -> int:
        """Documents to retrieve per query: as asked, else enough for the collection and every measure asked for."""
        return self.depth or max(card.policy.depth, _deepest(self.measures))


def _deepest(measures: Sequence[str]) -> int:
    return max((parse(name).depth or 0 for name in measures), default=0)


@dataclass
class Runner:
    """Runs cells. `system` makes a system from the name a cell gives it and the kind of task that it is prompted for.

    Each is made once, at its first cell. `card` tells what is recorded of the card of the system that a name made:
    entries of its results' provenance.
    """

    system: Callable[[str, Task], System]
    results: ResultStore
    request: Request = field(default_factory=Request)
    card: Callable[[str, System], Mapping[str, object]] = lambda *_: {}
    card_file: Callable[[str], SystemCard | None] = lambda _: None
    _systems: dict[tuple[str, Task], System | Exception] = field(default_factory=dict, init=False)
    _collections: dict[str, Collection] = field(default_factory=dict, init=False)
    _told: set[str] = field(default_factory=set, init=False)

    def run(self, cells: Iterable[Cell]) -> Iterator[Outcome]:
        """The outcome of every cell, as it ends. Bad requests and failing systems become outcomes, Ctrl-C does not."""
        for cell in cells:
            yield self._outcome(cell)

    def _outcome(self, cell: Cell) -> Outcome:
        try:
            return self._run(cell)
        except STOPS:
            raise
        except BaseException as error:  # a plug-in may raise anything, SystemExit too; the other cells still run
            log.debug("%s on %s failed", cell.system, cell.collection, exc_info=True)
            return Outcome(cell, "failed", error=contained(error))

    def key(self, cell: Cell) -> str:
        """The digest of everything the numbers of a cell depend on."""
        return _key(self._system(cell), self._collection(cell.collection), self._depth(cell))

    def find(self, cell: Cell) -> StoredResult | None:
        """The stored result of a cell, if there is one that holds every measure asked for."""
        stored = self._stored(cell)
        return stored if stored is not None and not self._lacking(cell, stored) else None

    def cost(self, cell: Cell, estimator: Estimator) -> EncodingCost:
        """What running a cell would have to encode."""
        return estimator.of_system(self._system(cell), self._collection(cell.collection))

    def _run(self, cell: Cell) -> Outcome:
        system, collection = self._system(cell), self._collection(cell.collection)
        depth = self._depth(cell)
        key = _key(system, collection, depth)
        stored = self._stored(cell)
        measures = self.request.measures_of(collection.card)
        if stored is not None and not self._lacking(cell, stored):
            return Outcome(cell, "reused", self._under(cell, system.name, stored), measures[0])
        if stored is not None and self._can_be_rescored(cell, stored):
            scores = score_run(stored.run, collection, tuple(dict.fromkeys((*measures, *_scored(stored)))))
            about: dict[str, object] = {**stored.provenance, "scored_again": provenance.record()}
            result = _result(key, system, collection, stored.run, scores, about)
            return Outcome(cell, "rescored", self._written(cell, result), measures[0])
        if stored is not None:  # what it was scored by before is scored again, so that nothing stored is lost
            measures = tuple(dict.fromkeys((*measures, *_scored(stored))))
        name = collection.card.name
        log.info("%s on %s: search %d queries, depth %d", system.name, name, len(collection.queries()), depth)
        started = time.perf_counter()
        run = system.search(collection, collection.queries(), depth).renamed(system.name)
        scoring = time.perf_counter()
        log.info("%s on %s: score %d results by %s", system.name, name, len(run), ", ".join(measures))
        scores = score_run(run, collection, measures)
        ended = time.perf_counter()
        self._tell_unjudged(collection, scores)
        seconds = {"score": ended - scoring, "total": ended - started}
        about = _provenance(system, collection, run, scores, depth, seconds)
        about.update(self.card(cell.system, system))
        if self.request.keep is not None and self.request.keep < depth:
            about["kept"] = self.request.keep
            run = run.cut(self.request.keep)
        result = _result(key, system, collection, run, scores, about)
        return Outcome(cell, "new", self._written(cell, result), measures[0])

    def _tell_unjudged(self, collection: Collection, scores: Scores) -> None:
        """Warn, once for each collection, of judged documents that it lacks and of queries that nobody judged."""
        name = collection.card.name
        if name in self._told:
            return
        self._told.add(name)
        if lacking := absent_judged(collection):
            log.warning("%s: %s", name, lacking)
        if scores.unjudged:
            log.info("%s: %d queries are not judged and do not count", name, scores.unjudged)

    def _stored(self, cell: Cell) -> StoredResult | None:
        """The result of what the cell is made of, that of the system's name first: a full one, else a kept one."""
        key, system = self.key(cell), self._system(cell)
        found = self.results.find(key, system.name) or self._kept.get((key, system.name)) or self._kept.get((key, ""))
        return found if found is not None and _is_of(found, system, self._collection(cell.collection)) else None

    def _written(self, cell: Cell, result: Result) -> StoredResult:
        """`result` on disk, the card of its system beside it."""
        folder = self.results.write(result)
        card = self.card_file(cell.system)
        if card is not None:
            write_text(folder / CARD, card_text(card.seen_from(folder)))
        return read_result(folder)

    def _under(self, cell: Cell, name: str, stored: StoredResult) -> StoredResult:
        """`stored` under this name; what another name of the same system has measured is written under both."""
        if stored.system == name:
            return stored
        if isinstance(stored, KeptResult):
            return replace(stored, system=name, title=name)
        facts = {one.name: getattr(stored, one.name) for one in fields(Facts)} | {"system": name, "title": name}
        return self._written(cell, Result(**facts, scores=stored.scores, run=stored.run.renamed(name)))

    @cached_property
    def _kept(self) -> dict[tuple[str, str], KeptResult]:
        """By key and name of the system, and under "" by key alone."""
        kept = [result for family in families(self.results.root) for result in family.results]
        return {(result.key, name): result for result in kept for name in ("", result.system)}

    def _lacking(self, cell: Cell, stored: StoredResult) -> list[str]:
        asked = self.request.measures_of(self._collection(cell.collection).card)
        return [measure for measure in asked if measure not in _scored(stored)]

    def _can_be_rescored(self, cell: Cell, stored: StoredResult) -> bool:
        """Whether the stored run is its system's, and though perhaps cut, as deep as every measure looks."""
        return not isinstance(stored, KeptResult) and all(
            within_kept(stored, measure) for measure in (*self._lacking(cell, stored), *_scored(stored))
        )

    def _depth(self, cell: Cell) -> int:
        return self.request.depth_of(self._collection(cell.collection).card)

    def _system(self, cell: Cell) -> System:
        name, task = cell.system, self._collection(cell.collection).card.policy.task
        if (name, task) not in self._systems:
            try:
                self._systems[name, task] = self.system(name, task)
            except STOPS:
                raise
            except BaseException as error:  # kept, so that the system's other cells fail alike without another attempt
                log.debug("cannot make %s", name, exc_info=True)
                self._systems[name, task] = contained(error)
        found = self._systems[name, task]
        if isinstance(found, Exception):
            raise found
        return found

    def _collection(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = collections.load(name, self.request.split)
        return self._collections[name]


def _is_of(stored: StoredResult, system: System, collection: Collection) -> bool:
    """Whether a result is what its key says: a key that stands in a file may have been written by anyone."""
    return (
        stored.system_digest == system.identity.digest
        and stored.collection == collection.card.name
        and stored.split == collection.split
        and stored.provenance.collection.fingerprint == collection.fingerprint
    )


def _scored(stored: StoredResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(aggregate["measure"] for aggregate in stored.aggregates))


def _key(system: System, collection: Collection, depth: int) -> str:
    card = collection.card
    return result_key(system.identity.digest, card.name, collection.split, collection.fingerprint, depth, card.policy)


def _result(
    key: str, system: System, collection: Collection, run: Run, scores: Scores, about: Mapping[str, object]
) -> Result:
    return Result(
        key=key,
        system=system.name,
        title=system.name,
        kind=system.identity.kind,
        system_digest=system.identity.digest,
        collection=collection.card.name,
        split=collection.split,
        languages=scores.languages,
        aggregates=tuple(means_of(scores.frame, scores.measures, scores.languages)),
        provenance=Provenance.recorded(about),
        scores=scores.frame,
        run=run,
    )


def _provenance(
    system: System, collection: Collection, run: Run, scores: Scores, depth: int, seconds: Mapping[str, float]
) -> dict[str, object]:
    card = collection.card
    notes = dict(run.notes)
    return {
        **provenance.record(),
        "collection": {
            "name": card.name,
            "version": card.version,
            "licence": card.licence,
            "fingerprint": collection.fingerprint,
            "queries": len(collection.queries()),
        },
        "system": {"kind": system.identity.kind, "settings": dict(system.identity.settings)},
        "prompts": prompts_of(system),
        "policy": asdict(card.policy),
        "depth": depth,
        "ties": {"order": "score, then document id, both descending", "results": scores.tied},
        "left_out": {"missing": scores.missing, "excluded": scores.excluded, "unjudged": scores.unjudged},
        "engine": scores.engine,
        "timings": {**notes.pop("timings", {}), **{stage: round(value, 3) for stage, value in seconds.items()}},
        **notes,
    }
