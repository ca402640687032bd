"""`RanxFusionSystem`: the fusion methods of the library ranx (Bassani & Romelli 2022, ranx.fuse, CIKM).

ranx orders ties as they come; here each list goes in with strictly falling scores in the canonical order (a tie is
parted by the smallest step of float64) and the fused scores come out into the canonical order again, so that a fused
run is the same every time. A list without any document goes in with one that no corpus holds, at score zero, because
ranx cannot take an empty one; it is dropped again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Any, Literal

import numpy as np
from pydantic import Field, FiniteFloat

from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.paths import keep_compiled_code_private
from lapca_bench.run import Qrels, Run
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.notes import with_costs_of
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.types import Query

Parameters = Mapping[str, float | list[float]]

NOBODY = "\ufdd0"  # a noncharacter of Unicode: no document's id


class RanxFusionSettings(SystemSettings):
    """Table `[ranx_fusion]`: names of systems, and method, normalisation and parameters as ranx calls them."""

    systems: list[str] = Field(min_length=2)
    method: Literal[
        "anz",
        "bordafuse",
        "condorcet",
        "gmnz",
        "isr",
        "log_isr",
        "logn_isr",
        "max",
        "med",
        "min",
        "mixed",
        "mnz",
        "rbc",
        "rrf",
        "sum",
        "w_bordafuse",
        "w_condorcet",
        "wmnz",
        "wsum",
    ]
    normalisation: Literal["min-max", "max", "sum", "zmuv", "rank", "borda"] | None = "min-max"
    parameters: dict[str, FiniteFloat | list[FiniteFloat]] = Field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """The fused systems."""
        return tuple(self.systems)


class RanxFusionCard(SystemCard):
    """Several systems' rankings as one, by a method of ranx."""

    kind: Literal["ranx-fusion"]
    ranx_fusion: RanxFusionSettings

    def make(self, making: Making) -> RanxFusionSystem:
        """The system of its parts."""
        settings = self.ranx_fusion
        systems = [making.part(name) for name in settings.systems]
        return RanxFusionSystem(systems, settings.method, settings.normalisation, settings.parameters, self.name)


class RanxFusionSystem:
    """Fuses the runs of `systems` by ranx's `method` after its `normalisation` of each, with `parameters`."""

    def __init__(
        self,
        systems: Sequence[System],
        method: str,
        normalisation: str | None,
        parameters: Parameters,
        name: str,
    ) -> None:
        self.parts = tuple(systems)
        self._method, self._normalisation = method, normalisation
        self._parameters = dict(parameters)
        self.name = name

    @property
    def identity(self) -> SystemIdentity:
        """Method, normalisation, parameters, ranx's version and the identities of the fused systems."""
        return SystemIdentity(
            "ranx-fusion",
            {
                "method": self._method,
                "normalisation": self._normalisation,
                "parameters": self._parameters,
                "ranx": version("ranx"),
                "systems": [system.identity.digest for system in self.parts],
                "names": [system.name for system in self.parts],
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The fused run; every system is asked for `k` documents."""
        runs = [system.search(collection, queries, k) for system in self.parts]
        fused = fuse(self.name, runs, self._method, self._normalisation, self._parameters)
        return with_costs_of(fused, runs).cut(k)


def fuse(name: str, runs: Sequence[Run], method: str, normalisation: str | None, parameters: Parameters) -> Run:
    """One run from several over the same queries; raises `UsageError` where ranx refuses the parameters."""
    queries = runs[0].queries
    if not queries:
        return Run.from_columns(name, (), [], [], [])
    ranx = _ranx()
    try:
        fused = ranx.fuse([ranx.Run(_lists(run)) for run in runs], normalisation, method, dict(parameters))
    except (TypeError, ValueError, KeyError, AssertionError) as error:
        remedy = "`lapca-bench tune` finds a method's parameters on a development split"
        raise UsageError(f"ranx cannot fuse by {method} with {dict(parameters)}: {error}", remedy=remedy) from error
    rows: list[int] = []
    documents: list[str] = []
    scores: list[float] = []
    for row, query in enumerate(queries):
        found = {str(document): float(score) for document, score in fused.run[query].items() if document != NOBODY}
        rows += [row] * len(found)
        documents += found
        scores += found.values()
    return Run.from_columns(name, queries, rows, documents, scores)


def best_parameters(
    runs: Sequence[Run], qrels: Qrels, method: str, normalisation: str | None, metric: str
) -> dict[str, float | list[float]]:
    """What ranx's optimiser finds for `method` on judged queries; `metric` is ranx's name, such as "ndcg@10".

    Raises `UsageError` for a method without parameters.
    """
    ranx = _ranx()
    judged = {query: dict(grades) for query, grades in qrels.judgements.items() if query in runs[0].index and grades}
    kept = [{query: list_ for query, list_ in _lists(run).items() if query in judged} for run in runs]
    if not judged:
        raise UsageError("none of these queries is judged", remedy="name a split with judgements")
    try:
        found = ranx.optimize_fusion(
            ranx.Qrels(judged), [ranx.Run(one) for one in kept], normalisation, method, metric, show_progress=False
        )
    except (TypeError, ValueError, KeyError) as error:
        remedy = "methods with parameters: gmnz, logn_isr, mixed, rbc, rrf, w_bordafuse, w_condorcet, wmnz, wsum"
        raise UsageError(f"ranx cannot optimise {method}: {error}", remedy=remedy) from error
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def _ranx() -> ModuleType:
    keep_compiled_code_private()
    import ranx

    module: ModuleType = ranx
    return module


def _lists(run: Run) -> dict[str, dict[str, float]]:
    lists = {}
    for row, query in enumerate(run.queries):
        part = slice(int(run.offsets[row]), int(run.offsets[row + 1]))
        scores = run.scores[part].astype(np.float64)
        for place in range(1, len(scores)):
            scores[place] = min(scores[place], np.nextafter(scores[place - 1], -np.inf))
        documents = run.vocabulary[run.codes[part]].tolist()
        lists[query] = dict(zip(documents, scores.tolist(), strict=True)) or {NOBODY: 0.0}
    return lists
