"""`Table`: the one model of a table. Every writer (terminal, Markdown, LaTeX, CSV, JSON, HTML) shows these cells.

The model knows nothing of where its values come from: `report.comparison` fills it from results, other modules from
published numbers. Values are kept at full precision; how they are printed (`scale`, `digits`) belongs to the table,
so that two writers cannot round differently.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

MISSING = "–"

Role = Literal["language", "mean", "measure", "other"]


@dataclass(frozen=True)
class Column:
    """One column: `key` is its name in JSON and CSV, `label` its heading.

    `role` says what its values are: one query language, the mean over languages, another measure, or anything else
    (text included).
    """

    key: str
    label: str
    role: Role = "language"


@dataclass(frozen=True)
class TableCell:
    """One cell: a number (`value`), a word (`text`), or nothing, which is shown as "–".

    `rank` 1 is printed bold and 2 underlined; `better_than` holds the letters of the rows that this one is
    significantly better than; `interval` is a confidence interval in the unit of `value`.
    """

    value: float | None = None
    text: str = ""
    rank: int | None = None
    better_than: tuple[str, ...] = ()
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """One system: its name, its kind, the letter that superscripts call it by ("" without a test), and its cells."""

    system: str
    cells: tuple[TableCell, ...]
    kind: str = ""
    letter: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of systems under columns; each row holds one cell per column.

    Numbers are printed as `value * scale` with `digits` decimals. `notes` say what a reader needs to judge the
    numbers: collection version, measure, depth, test, order of ties.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    scale: float = 100.0
    digits: int = 1

    def number(self, value: float) -> str:
        """`value` as it is printed, without marks; a value that rounds to zero carries no minus sign."""
        text = f"{value * self.scale:.{self.digits}f}"
        return text.lstrip("-") if float(text) == 0 else text

    def plain(self, cell: TableCell) -> str:
        """The words or digits of a cell, without bold, underline, superscript or interval."""
        if cell.value is None:
            return cell.text or MISSING
        return self.number(cell.value)

    def __str__(self) -> str:
        return self.to("terminal")

    def _repr_html_(self) -> str:  # what a notebook shows
        return self.to("html")

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return self.to("markdown")

    def to_latex(self) -> str:
        """The table in LaTeX (booktabs)."""
        return self.to("latex")

    def to(self, form: Literal["terminal", "markdown", "latex", "csv", "json", "html"]) -> str:
        """The table in one of the formats of `report.writers`."""
        from lapca_bench.report import writers

        return writers.FORMATS[form](self)

    def interval(self, cell: TableCell) -> str:
        """The confidence interval of a cell as "[33.0, 35.2]", or ""."""
        if cell.interval is None:
            return ""
        low, high = cell.interval
        finer = replace(self, digits=interval_digits(self.scale * low, self.scale * high, self.digits))
        return f"[{finer.number(low)}, {finer.number(high)}]"


def interval_digits(low: float, high: float, least: int = 1) -> int:
    """Decimals that an interval needs for its width to show: 1 for [33.0, 35.2], 2 for [0.01, 0.03].

    At least `least`, and at most 6; an interval without a width that could be shown needs no more than the least.
    """
    width = high - low
    if not 1e-6 <= width < math.inf:
        return least
    return min(max(-math.floor(math.log10(width)), least), 6)


def ranked(table: Table, *, higher_is_better: bool = True) -> Table:
    """The table with the best and second-best number of every language, mean and measure column marked.

    Numbers that print alike share a rank, so a reader never sees one of two equal figures in bold. A column with
    fewer than two numbers, or where all are alike, has no best.
    """
    rows = [list(row.cells) for row in table.rows]
    for index, column in enumerate(table.columns):
        if column.role == "other":
            continue
        printed = {float(table.plain(cells[index])) for cells in rows if cells[index].value is not None}
        order = sorted(printed, reverse=higher_is_better)
        if len(order) < 2:
            continue
        for cells in rows:
            cell = cells[index]
            if cell.value is not None and float(table.plain(cell)) in order[:2]:
                cells[index] = replace(cell, rank=order.index(float(table.plain(cell))) + 1)
    return replace(
        table, rows=tuple(replace(row, cells=tuple(cells)) for row, cells in zip(table.rows, rows, strict=True))
    )


def letters(count: int) -> list[str]:
    """Names of rows in superscripts: a … z, then aa, ab, …; any number of them."""
    names = []
    for index in range(count):
        name, rest = "", index
        while rest >= 0:
            name = chr(ord("a") + rest % 26) + name
            rest = rest // 26 - 1
        names.append(name)
    return names


def superscript(better_than: Sequence[str], order: Sequence[str]) -> str:
    """The letters in the order of the rows, a run of three or more shortened: a, b, c, e → "a-c,e".

    Letters stand side by side without commas where each is one character and no run is shortened.
    """
    places = sorted(order.index(letter) for letter in set(better_than))
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    parts: list[str] = []
    for run in runs:
        names = [order[place] for place in run]
        parts += [f"{names[0]}-{names[-1]}"] if len(run) > 2 else names
    return ("" if all(len(part) == 1 for part in parts) else ",").join(parts)
