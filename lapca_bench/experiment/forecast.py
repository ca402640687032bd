"""What a run would do, before it does it: of every cell whether it is stored, and what it would have to encode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lapca_bench.errors import LapcaError
from lapca_bench.experiment.encoding_cost import EncodingCost, Estimator
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.runner import Runner


@dataclass(frozen=True)
class CellForecast:
    """One cell: what a run would do with it, what it would cost, and why it cannot run ("" where it can).

    Of one that would run code of a file nothing more is known: `reason` names the file, and `cost` is empty.
    """

    cell: Cell
    state: Literal["stored", "to run", "runs code", "cannot run"]
    cost: EncodingCost
    reason: str = ""


@dataclass(frozen=True)
class Forecast:
    """All cells, and the cost of all; what two of them encode together counts once in `total`."""

    cells: tuple[CellForecast, ...]
    total: EncodingCost


def forecast(cells: Iterable[Cell], runner: Runner, brings_code: Callable[[str], Sequence[str]]) -> Forecast:
    """What `runner` would do with these cells; a few missing texts of each are encoded to see how long they take.

    Code that `brings_code` names for a system, by files, is not run.
    """
    estimator = Estimator()
    return Forecast(tuple(_of_cell(cell, runner, estimator, brings_code) for cell in cells), estimator.total)


def _of_cell(
    cell: Cell, runner: Runner, estimator: Estimator, brings_code: Callable[[str], Sequence[str]]
) -> CellForecast:
    try:
        if code := brings_code(cell.system):
            return CellForecast(cell, "runs code", EncodingCost(), ", ".join(code))
        if runner.find(cell):
            return CellForecast(cell, "stored", EncodingCost())
        return CellForecast(cell, "to run", runner.cost(cell, estimator))
    except LapcaError as error:
        return CellForecast(cell, "cannot run", EncodingCost(), error.message)
