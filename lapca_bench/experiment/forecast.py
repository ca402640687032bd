"""What a run would do, before it does it: of every cell whether it is stored, and what it would have to encode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lapca_bench.errors import LapcaError
from lapca_bench.experiment.encoding_cost import EncodingCost, Estimator
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.runner import Runner


@dataclass(frozen=True)
class CellForecast:
    """One cell: what a run would do with it, what it would cost, and why it cannot run ("" where it can)."""

    cell: Cell
    state: Literal["stored", "to run", "cannot run"]
    cost: EncodingCost
    reason: str = ""


@dataclass(frozen=True)
class Forecast:
    """All cells, and the cost of all; what two of them encode together counts once in `total`."""

    cells: tuple[CellForecast, ...]
    total: EncodingCost


def forecast(cells: Iterable[Cell], runner: Runner) -> Forecast:
    """What `runner` would do with these cells; a few missing texts of each are encoded to see how long they take."""
    estimator = Estimator()
    return Forecast(tuple(_of_cell(cell, runner, estimator) for cell in cells), estimator.total)


def _of_cell(cell: Cell, runner: Runner, estimator: Estimator) -> CellForecast:
    try:
        if runner.find(cell):
            return CellForecast(cell, "stored", EncodingCost())
        return CellForecast(cell, "to run", runner.cost(cell, estimator))
    except LapcaError as error:
        return CellForecast(cell, "cannot run", EncodingCost(), error.message)
