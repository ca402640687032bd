"""A table of several runs scored on the same judgements: runs down, measures across, every pair tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lapca_bench.errors import UsageError
from lapca_bench.report.table import Column, Row, Table, TableCell, letters, ranked
from lapca_bench.scoring.measures import parse_mean
from lapca_bench.scoring.pairwise import Comparison, compare
from lapca_bench.scoring.significance import TESTS, Settings

if TYPE_CHECKING:
    import pandas as pd


def compare_runs(
    frames: Mapping[str, pd.DataFrame], measures: Sequence[str], settings: Settings, translations: str = ""
) -> tuple[Table, list[Comparison]]:
    """The table and every pairwise comparison, corrected over all pairs *and* measures: all stand in one table.

    `frames` are `Scores.frame` by name; `translations` is how the query ids name translations of one query, "" where
    every query is one observation. Raises `UsageError` for fewer than two runs, `InputError` where two were not scored
    on the same queries.
    """
    if len(frames) < 2:
        raise UsageError("a comparison needs at least two runs", remedy="to score one run: lapca-bench score")
    names = list(dict.fromkeys(str(parse_mean(measure)) for measure in measures))
    pairs = compare(frames, names, settings, translations=translations)
    of_run = dict(zip(frames, letters(len(frames)), strict=True))
    beaten: dict[tuple[str, str], tuple[str, ...]] = {}
    for pair in pairs:
        if pair.significant:
            better, worse = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
            beaten[better, pair.measure] = (*beaten.get((better, pair.measure), ()), of_run[worse])
    rows = tuple(
        Row(
            run,
            tuple(TableCell(_mean(frame, name), better_than=beaten.get((run, name), ())) for name in names),
            "",
            of_run[run],
        )
        for run, frame in frames.items()
    )
    columns = tuple(Column(name, name, "measure") for name in names)
    notes = (
        f"{_counted(pairs[0])}; means over queries, in percent.",
        (
            f"Letters: significantly better than that row ({TESTS[settings.test]}, Holm over {len(pairs)} comparisons, "
            f"p < {settings.alpha:g})."
        ),
    )
    return ranked(Table(f"{len(frames)} runs", columns, rows, notes)), pairs


def _counted(pair: Comparison) -> str:
    if pair.observations == pair.queries:
        return f"{pair.queries} queries, each one observation"
    return f"{pair.queries} queries, translations of one taken as one observation: {pair.observations}"


def _mean(frame: pd.DataFrame, measure: str) -> float:
    return float(frame.loc[frame["measure"] == measure, "value"].mean())
