"""`FusionSystem`: several systems' rankings as one.

* `rrf`, reciprocal rank fusion (Cormack, Clarke & Buettcher, SIGIR 2009): Σ weight / (60 + rank).
* `interpolation`, the Mr. TyDi hybrid (Zhang et al. 2021, arXiv:2108.08787): per query and system
  `(s − (min + max) / 2) / (max − min)`, between −½ and ½; a document that a system did not return gets that system's
  minimum; then the weighted sum. Stated rule for a constant list, where the formula divides by zero: every document of
  it counts as its best (½), a document that it lacks as its minimum (−½). (The released script divides by zero there.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, FiniteFloat

from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.run import Run
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.notes import with_costs_of
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.types import Query

Method = Literal["rrf", "interpolation"]
RRF_CONSTANT = 60

_Ranking = tuple[list[str], npt.NDArray[np.float64]]  # documents, best first, and their scores


class FusionSettings(SystemSettings):
    """Table `[fusion]`: names of systems, method, weights, and weights by query language."""

    systems: list[str] = Field(min_length=2)
    method: Method = "rrf"
    weights: list[FiniteFloat] | None = None
    languages: dict[str, list[FiniteFloat]] = Field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """The fused systems."""
        return tuple(self.systems)


class FusionCard(SystemCard):
    """Several systems' rankings as one."""

    kind: Literal["fusion"]
    fusion: FusionSettings

    def make(self, making: Making) -> FusionSystem:
        """The system of its parts."""
        settings = self.fusion
        systems = [making.part(name) for name in settings.systems]
        return FusionSystem(systems, settings.method, settings.weights, settings.languages, self.name)


class FusionSystem:
    """Fuses the runs of `systems`; `weights` defaults to 1 for each, `languages` overrides them by query language."""

    def __init__(
        self,
        systems: Sequence[System],
        method: Method = "rrf",
        weights: Sequence[float] | None = None,
        languages: Mapping[str, Sequence[float]] | None = None,
        name: str | None = None,
    ) -> None:
        self.parts = tuple(systems)
        self._method = method
        self._weights = tuple([1.0] * len(self.parts) if weights is None else weights)
        self._languages = {language: tuple(values) for language, values in (languages or {}).items()}
        for given in (self._weights, *self._languages.values()):
            if len(given) != len(self.parts):
                raise UsageError(
                    f"{len(given)} weights for {len(self.parts)} systems", remedy="give one weight per system"
                )
        self.name = name or "+".join(system.name for system in self.parts)

    @property
    def identity(self) -> SystemIdentity:
        """Method, weights and the identities of the fused systems."""
        return SystemIdentity(
            "fusion",
            {
                "method": self._method,
                "weights": list(self._weights),
                "weights by language": {key: list(value) for key, value in self._languages.items()},
                "systems": [system.identity.digest for system in self.parts],
                "names": [system.name for system in self.parts],
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The fused run; every system is asked for `k` documents, as in the published hybrid."""
        runs = [system.search(collection, queries, k) for system in self.parts]
        weights = [self._languages.get(query.language, self._weights) for query in queries]
        run = fuse(self.name, runs, self._method, weights)
        return with_costs_of(run, runs).cut(k)


def fuse(name: str, runs: Sequence[Run], method: Method, weights: Sequence[Sequence[float]]) -> Run:
    """One run from several over the same queries in the same order; `weights[i]` are the runs' weights for query i."""
    queries = runs[0].queries
    rows: list[int] = []
    documents: list[str] = []
    scores: list[float] = []
    score = _reciprocal_ranks if method == "rrf" else _interpolation
    for row in range(len(queries)):
        for document, value in score([_slice(run, row) for run in runs], weights[row]).items():
            rows.append(row)
            documents.append(document)
            scores.append(value)
    return Run.from_columns(name, queries, rows, documents, scores)


def _slice(run: Run, row: int) -> _Ranking:
    part = slice(int(run.offsets[row]), int(run.offsets[row + 1]))
    return run.vocabulary[run.codes[part]].tolist(), run.scores[part].astype(np.float64)


def _reciprocal_ranks(lists: Sequence[_Ranking], weights: Sequence[float]) -> dict[str, float]:
    fused: dict[str, float] = {}
    for (documents, _), weight in zip(lists, weights, strict=True):
        for rank, document in enumerate(documents, start=1):
            fused[document] = fused.get(document, 0.0) + weight / (RRF_CONSTANT + rank)
    return fused


def _interpolation(lists: Sequence[_Ranking], weights: Sequence[float]) -> dict[str, float]:
    union = dict.fromkeys(document for documents, _ in lists for document in documents)
    fused = dict.fromkeys(union, 0.0)
    for (documents, values), weight in zip(lists, weights, strict=True):
        if not documents:
            continue
        low, high = values.min(), values.max()
        scaled = (values - (low + high) / 2) / (high - low) if high > low else np.full(len(values), 0.5)
        found = dict(zip(documents, scaled.tolist(), strict=True))
        for document in union:
            fused[document] += weight * found.get(document, -0.5)
    return fused
