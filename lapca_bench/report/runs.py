"""A table of several runs scored on the same judgements: runs down, measures across, every pair tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lapca_bench.errors import UsageError
from lapca_bench.report.table import Cell, Column, Row, Table, letters, ranked
from lapca_bench.scoring.measures import parse
from lapca_bench.scoring.significance import Comparison, Settings, Test, compare, holm

if TYPE_CHECKING:
    import pandas as pd

TESTS: dict[Test, str] = {"t": "paired t-test", "permutation": "paired permutation test"}


def compare_runs(
    frames: Mapping[str, pd.DataFrame], measures: Sequence[str], settings: Settings, test: Test
) -> tuple[Table, list[Comparison], list[float]]:
    """The table, every pairwise comparison, and the p-value of each.

    `frames` are `Scores.frame` by name. The p-values are those of `test`, corrected by Holm over all pairs *and*
    measures, since all of them stand in one table. Raises `UsageError` for fewer than two runs, `InputError` where two
    were not scored on the same queries.
    """
    if len(frames) < 2:
        raise UsageError("a comparison needs at least two runs", remedy="to score one run: lapca-bench score")
    names = [str(parse(measure)) for measure in measures]
    pairs = [pair for name in names for pair in compare(frames, name, settings)]
    p_values = [float(p) for p in holm([pair.p_t if test == "t" else pair.p_permutation for pair in pairs])]
    of_run = dict(zip(frames, letters(len(frames)), strict=True))
    beaten: dict[tuple[str, str], tuple[str, ...]] = {}
    for pair, p in zip(pairs, p_values, strict=True):
        if p < settings.alpha:
            better, worse = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
            beaten[better, pair.measure] = (*beaten.get((better, pair.measure), ()), of_run[worse])
    rows = tuple(
        Row(
            run,
            tuple(Cell(_mean(frame, name), better_than=beaten.get((run, name), ())) for name in names),
            "",
            of_run[run],
        )
        for run, frame in frames.items()
    )
    columns = tuple(Column(name, name, "measure") for name in names)
    notes = (
        f"{pairs[0].queries} queries; means over queries, in percent.",
        (
            f"Letters: significantly better than that row ({TESTS[test]}, Holm over {len(pairs)} comparisons, "
            f"p < {settings.alpha:g})."
        ),
    )
    return ranked(Table(f"{len(frames)} runs", columns, rows, notes)), pairs, p_values


def _mean(frame: pd.DataFrame, measure: str) -> float:
    return float(frame.loc[frame["measure"] == measure, "value"].mean())
