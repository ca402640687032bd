"""From an experiment to its cells: every system on every collection that the names stand for."""

from __future__ import annotations

from dataclasses import dataclass

from lapca_bench.collections import registry as collections
from lapca_bench.errors import unknown_name
from lapca_bench.experiment.columns import tables
from lapca_bench.experiment.spec import Experiment
from lapca_bench.scoring.measures import parse_mean


@dataclass(frozen=True)
class Cell:
    """The unit of work, of isolation and of resuming: one system on one collection."""

    system: str
    collection: str


@dataclass(frozen=True)
class Plan:
    """Cells, system by system, and the tables they make: the collections of each by its name."""

    cells: tuple[Cell, ...]
    tables: dict[str, tuple[str, ...]]


def plan(experiment: Experiment) -> Plan:
    """The cells of an experiment, each once; nothing is loaded yet.

    Raises `UsageError` with the nearest names for an unknown collection, group, split or measure.
    """
    for measure in experiment.measures:
        parse_mean(measure)
    asked = tables(experiment.collections)
    members = tuple(dict.fromkeys(member for names in asked.values() for member in names))
    if experiment.split is not None:
        for member in members:
            _check_split(member, experiment.split)
    cells = tuple(Cell(system, member) for system in experiment.systems for member in members)
    return Plan(cells, asked)


def _check_split(collection: str, split: str) -> None:
    splits = collections.card(collection).splits
    if split not in splits:
        raise unknown_name(f"split of {collection}:", split, splits)
