"""Comparison tables: systems down, query languages across, and the mean, from results of one collection or group.

What it is made of, and what is refused, `lines` says; its letters are the pairs of `pairs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.experiment.columns import Place
from lapca_bench.report.lines import Lines, lines_of, named
from lapca_bench.report.pairs import Display, how_tested, pairs_of
from lapca_bench.report.table import Column, Row, Table, TableCell, letters, ranked
from lapca_bench.scoring.pairwise import MEAN, Comparison
from lapca_bench.scoring.significance import SAMPLES, SEED, intervals

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.report.lines import Scored


def comparison(
    results: Sequence[Scored],
    measure: str | None = None,
    covered: Sequence[Place] = (),
    name: str | None = None,
    display: Display | None = None,
) -> Table:
    """The table of `results` for one measure (default: the first that the collections declare).

    `covered` are the columns that the table must have; one that a system has no result for is "–", and so is its mean.
    Default: those of the results. `name` is what the title calls the collections together. Raises `UsageError` where
    the results do not compare or do not hold the measure.
    """
    display = display or Display()
    lines = lines_of(results, measure, covered).ordered(display.order)
    columns = [*(Column(label, label or "all") for label in lines.labels), Column(MEAN, MEAN, "mean")]
    pairs = pairs_of(lines, display)
    cells = _cells(lines, _marks(lines, pairs), display)
    names = letters(len(cells)) if pairs else [""] * len(cells)
    rows = tuple(
        Row(line.system, own, line.kind, name) for line, own, name in zip(lines.lines, cells, names, strict=True)
    )
    notes = _notes(results, lines, display, pairs)
    title = f"{lines.measure} on {_title(results, name)}"
    return ranked(Table(title, tuple(columns), rows, notes))


def _cells(
    lines: Lines, marks: Mapping[tuple[str, str], tuple[str, ...]], display: Display
) -> list[tuple[TableCell, ...]]:
    """The cells of every row: its columns and its mean."""
    values = {label: [line.values.get(label) for line in lines.lines] for label in lines.labels}
    means = {label: [line.mean(label) for line in lines.lines] for label in lines.labels}
    values[MEAN] = list(lines.observed)
    means[MEAN] = [None if one is None else float(one.mean()) for one in lines.observed]
    bounds = {label: _intervals(column, display) if display.intervals else {} for label, column in values.items()}
    return [
        tuple(
            TableCell(of[place], better_than=marks.get((line.system, label), ()), interval=bounds[label].get(place))
            for label, of in means.items()
        )
        for place, line in enumerate(lines.lines)
    ]


def _intervals(column: Sequence[pd.Series[float] | None], display: Display) -> dict[int, tuple[float, float]]:
    """The intervals of a column by row; rows of as many observations are resampled together, by the same draws."""
    alike: dict[int, list[int]] = {}
    for place, values in enumerate(column):
        if values is not None and len(values):
            alike.setdefault(len(values), []).append(place)
    found: dict[int, tuple[float, float]] = {}
    for places in alike.values():
        matrix = np.vstack([np.asarray(column[place], dtype=np.float64) for place in places])
        bounds = intervals(matrix, level=1 - display.alpha)
        found |= {place: (float(low), float(high)) for place, (low, high) in zip(places, bounds, strict=True)}
    return found


def _marks(lines: Lines, pairs: Sequence[Comparison]) -> dict[tuple[str, str], tuple[str, ...]]:
    """By system and column the letters of the rows that it is significantly better than."""
    letter = dict(zip((line.system for line in lines.lines), letters(len(lines.lines)), strict=True))
    marks: dict[tuple[str, str], tuple[str, ...]] = {}
    for pair in pairs:
        if pair.significant:
            better, worse = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
            marks[better, pair.column] = (*marks.get((better, pair.column), ()), letter[worse])
    return marks


def _title(results: Sequence[Scored], name: str | None) -> str:
    """The collection's name, or what several are called together; never the path of a card."""
    collections = dict.fromkeys(result.collection for result in results)
    if len(collections) == 1 and (name is None or name.endswith(".toml")):
        return next(iter(collections))
    families = dict.fromkeys(named(collection) for collection in collections)
    return name or f"{', '.join(families)} ({len(collections)} collections)"


def _notes(results: Sequence[Scored], lines: Lines, display: Display, pairs: Sequence[Comparison]) -> tuple[str, ...]:
    versions = {named(result.collection): result.provenance.collection.version for result in results}
    first = results[0]
    listed = ", ".join(f"{family} {version}" for family, version in versions.items())
    macro = "one column" if len(lines.labels) == 1 else f"{len(lines.labels)} columns"
    extent = f"macro over {macro}" if lines.average == "macro" else "micro over all queries"
    notes = [
        (
            f"{listed}; split {first.split}; depth {first.provenance.depth}; in percent; mean: {extent}; "
            "order of ties: document id, descending."
        )
    ]
    if prompts := _prompts(results):
        notes.append(prompts)
    recalls = [(recall, r.system) for r in results if (recall := r.provenance.recall) is not None]
    for system in dict.fromkeys(system for _, system in recalls):
        found = min((recall for recall, name in recalls if name == system), key=lambda recall: recall.recall)
        notes.append(
            f"{system} is approximate: of the first {found.at} documents of an exact search it found "
            f"{found.recall:.1%} (where it found least; {found.queries} queries)."
        )
    if pairs:
        notes.append(f"Letters: significantly better than that row ({how_tested(pairs, display)}).")
    if display.intervals:
        notes.append(f"Brackets: {1 - display.alpha:.0%} bootstrap interval ({SAMPLES:,} samples, seed {SEED}).")
    return tuple(notes)


def _prompts(results: Sequence[Scored]) -> str:
    """Which prompts the rows were made with, where models may have others than for queries and documents."""
    if not any(result.provenance.policy.task == "bitext" for result in results):
        return ""
    of_system: dict[str, dict[str, None]] = {}
    for result in results:
        for query, document in result.provenance.prompts.values():
            same = f'"{query}"' if query == document else f'"{query}" and "{document}"'
            of_system.setdefault(result.system, {})[same if query or document else "none"] = None
    listed = "; ".join(f"{system} {', '.join(prompts)}" for system, prompts in of_system.items())
    return f"Prompts before texts: {listed}." if listed else ""
