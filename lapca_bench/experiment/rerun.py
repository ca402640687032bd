"""Full runs of kept results, made again: the same system, collection, split, depth and measures, stored whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lapca_bench.errors import UsageError
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.runner import Outcome, Request, Runner
from lapca_bench.experiment.selection import members
from lapca_bench.experiment.system_cards import recorded_card
from lapca_bench.scoring.measures import parse
from lapca_bench.search.system import System
from lapca_bench.store.results import ResultStore, StoredResult
from lapca_bench.types import Task

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Rerun:
    """A kept result, and how it came out again."""

    kept: StoredResult
    outcome: Outcome

    @property
    def difference(self) -> str:
        """Why the full run does not stand for the kept result; empty where it does, to every score and document."""
        again = self.outcome.result
        if again is None:
            return self.outcome.reason
        if again.provenance.kept is not None:
            return "the result in that folder was stored cut as well; name another folder"
        if again.key != self.kept.key:
            return "its key is another: the system, the collection or a library has changed since"
        return _difference(self.kept, again)


def cut_results(
    stored: Iterable[StoredResult], systems: Collection[str] = (), names: Sequence[str] = ()
) -> list[StoredResult]:
    """Those of the results whose runs were cut, of `systems` and of the collections that `names` stand for (all).

    Raises `UsageError` where there is none.
    """
    cut = [result for result in stored if result.provenance.kept is not None]
    wanted = {member for name in names for member in members(name, cut)}
    found = [
        result
        for result in cut
        if (not systems or result.system in systems) and (not names or result.collection in wanted)
    ]
    if not found:
        raise UsageError("no kept result fits", remedy="`lapca-bench board verify` lists those that there are")
    return found


def rerun(results: Sequence[StoredResult], into: ResultStore, system: Callable[[str, Task], System]) -> Iterator[Rerun]:
    """Run every result's cell again and store it whole in `into`; what is there already is not run again.

    `system` makes a system from its name, prompted for a kind of task.
    """
    of_request: dict[Request, list[StoredResult]] = {}
    for result in results:
        of_request.setdefault(_request(result), []).append(result)
    for request, alike in of_request.items():
        cells = [Cell(result.system, result.collection) for result in alike]
        for result, outcome in zip(alike, Runner(system, into, request, recorded_card).run(cells), strict=True):
            yield Rerun(result, outcome)


def _request(result: StoredResult) -> Request:
    """What was asked of a result; a measure that looks deeper than it was retrieved is one of the collection's own."""
    depth = result.provenance.depth
    measures = dict.fromkeys(aggregate["measure"] for aggregate in result.aggregates)
    asked = tuple(one for one in measures if depth is None or (parse(one).depth or 0) <= depth)
    return Request(result.split, depth, asked)


def _difference(kept: StoredResult, again: StoredResult) -> str:
    keys = ["query", "language", "measure"]
    both = kept.scores.merge(again.scores, on=keys, how="left", suffixes=("_kept", "_again"))
    distance = (both["value_kept"] - both["value_again"]).abs().to_numpy(dtype=np.float64)
    if wrong := int((~(distance <= TOLERANCE)).sum()):
        return f"{wrong} of {len(both)} scores differ"
    first = {query: [document for document, _ in kept.run.ranking(query)] for query in kept.run.queries}
    full = {query: [document for document, _ in again.run.ranking(query)[: len(first[query])]] for query in first}
    if other := sum(full[query] != documents for query, documents in first.items()):
        return f"the first documents of {other} of {len(first)} queries differ"
    return ""
