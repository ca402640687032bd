"""Pairs of systems behind a comparison table: the tests that its letters are of, and a table of their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lapca_bench.report.table import Column, Row, Table, TableCell, interval_digits
from lapca_bench.scoring.observations import Float64
from lapca_bench.scoring.pairwise import MEAN, Comparison, Observed, compare_observed
from lapca_bench.scoring.significance import DEFAULT_TEST, POWER, SAMPLES, TESTS, Settings, Test

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.report.lines import Lines

_PERCENT = 100.0
_SMALLEST = 1e-4  # a p-value that is printed as a number


@dataclass(frozen=True)
class Display:
    """What stands beside the means.

    `significance`: the columns that are tested, by `test` at level `alpha`; `baseline`: the system that all others are
    compared with, and nothing else is ("": all with all); `margin`: the difference of means (0.01 is one point) below
    which two systems count as equally good, None where that is not tested. `order`: rows as given, or by the mean
    (highest first, systems without one last).
    """

    significance: Literal["mean", "all", "none"] = "mean"
    test: Test = DEFAULT_TEST
    alpha: float = 0.05
    intervals: bool = False
    order: Literal["given", "mean"] = "given"
    baseline: str = ""
    margin: float | None = None

    @property
    def settings(self) -> Settings:
        """How its comparisons are made."""
        return Settings(self.test, self.alpha, self.baseline, self.margin)


def pairs_of(lines: Lines, display: Display, *, bounded: bool = False) -> list[Comparison]:
    """Every pair of rows in every column that is tested: one family, corrected together.

    `bounded`: with the intervals of differences, which letters need not and which take as long as all the rest.

    Two systems that were not scored on the same queries make no pair: no paired test applies. That happens for measures
    that leave out a system's unanswered queries, as XOR-Retrieve's official script does.
    """
    if display.significance == "none" or len(lines.lines) < 2:
        return []
    systems = [line.system for line in lines.lines]
    columns: dict[str, Sequence[pd.Series[float] | None]] = {}
    if display.significance == "all":
        columns = {label: [line.values.get(label) for line in lines.lines] for label in lines.labels}
    columns[MEAN] = lines.observed
    queries = [sum(len(line.values.get(label, ())) for label in lines.labels) for line in lines.lines]
    groups = []
    for column, values in columns.items():
        for places, matrix in _alike(values):
            asked = queries[places[0]] if column == MEAN else matrix.shape[1]
            groups.append(Observed(lines.measure, column, [systems[place] for place in places], matrix, asked))
    settings = display.settings
    return compare_observed(groups, settings if bounded else replace(settings, bootstrap=0))


def _alike(values: Sequence[pd.Series[float] | None]) -> list[tuple[list[int], Float64]]:
    """The rows with the same observations, put into one order: their places, and (rows, observations) values."""
    groups: list[tuple[list[int], list[pd.Series[float]]]] = []
    for place, series in enumerate(values):
        if series is None or not len(series):
            continue
        for places, members in groups:
            index = members[0].index
            if index.equals(series.index):
                members.append(series)
            elif len(index) == len(series) and set(index) == set(series.index):
                members.append(series.reindex(index))
            else:
                continue
            places.append(place)
            break
        else:
            groups.append(([place], [series]))
    return [(places, np.vstack([one.to_numpy(dtype=np.float64) for one in members])) for places, members in groups]


def how_tested(pairs: Sequence[Comparison], display: Display) -> str:
    """How the pairs of a table were tested, in words."""
    where = "the mean" if display.significance == "mean" else "every column"
    over = f"{len(pairs)} pairs shown" if not display.baseline else f"{len(pairs)} pairs with {display.baseline}"
    return (
        f"{TESTS[display.test]} on {where}, translations of one query taken as one observation, Holm over "
        f"{over if display.baseline else 'all ' + over}, p < {display.alpha:g}"
    )


def pairs_table(pairs: Sequence[Comparison], name: str = "") -> Table:
    """The figures of each pair as a table of words, in percent; every format writes it as it does other tables."""
    several = {
        "measure": len({pair.measure for pair in pairs}) > 1,
        "column": len({pair.column for pair in pairs}) > 1,
    }
    rows = []
    for pair in pairs:
        told = {"measure": pair.measure, "column": pair.column or "all"}
        cells = {**{key: told[key] for key, shown in several.items() if shown}, **_figures(pair)}
        rows.append(Row(pair.first, tuple(TableCell(text=text) for text in cells.values())))
        heads = list(cells)
    first = pairs[0]
    notes = [
        (
            f"Difference: the row less the other, in percent, with its {1 - first.alpha:.0%} bootstrap interval "
            f"({SAMPLES:,} samples); d_z: the difference over the standard deviation of differences; "
            f"p: {TESTS[first.test]}; p (Holm): corrected over these {len(pairs)}; "
            "n: observations, translations of one query taken as one."
        ),
        (
            f"Detectable: the difference that a {TESTS['t']} on so many observations finds in {POWER:.0%} of cases at "
            f"{first.alpha:g} / {len(pairs)}; a smaller one may be there and not show."
        ),
    ]
    if first.margin is not None:
        notes.append(
            f"p (equal): that the true difference is {_PERCENT * first.margin:g} points or more, by two one-sided "
            f"t-tests, Holm over these {len(pairs)}; below {first.alpha:g} the two are as good as each other."
        )
    title = f"Pairs{f' of {name}' if name else f' by {first.measure}'}"
    return Table(title, tuple(Column(head, head, "other") for head in heads), tuple(rows), tuple(notes))


def _figures(pair: Comparison) -> Mapping[str, str]:
    digits = interval_digits(_PERCENT * pair.low, _PERCENT * pair.high)
    figures = {
        "against": pair.second,
        "difference": signed(pair.difference, digits),
        "interval": f"[{signed(pair.low, digits)}, {signed(pair.high, digits)}]",
        "d_z": f"{pair.effect:.2f}",
        "p": p_text(pair.p_uncorrected),
        "p (Holm)": p_text(pair.p_holm),
        "n": str(pair.observations),
        "detectable": f"{_PERCENT * pair.detectable:.{digits}f}",
    }
    if pair.p_equivalent is not None:
        figures["p (equal)"] = p_text(pair.p_equivalent)
    return figures


def signed(share: float, digits: int) -> str:
    """A difference in percent with its sign; one that rounds to zero has none."""
    text = f"{_PERCENT * share:+.{digits}f}"
    return text if float(text) else text[1:]


def p_text(p: float) -> str:
    """A p-value with four digits; a smaller one is said to be smaller, for no test gives 0."""
    return f"<{_SMALLEST:.4f}" if p < _SMALLEST else f"{p:.4f}"
