"""A `Reproduction` as tables: a grid (languages as columns) or one line per cell, for every writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lapca_bench.report.published.reproduce import ReproducedCell, ReproducedRow, Reproduction
from lapca_bench.report.table import Column, Row, Table, TableCell, ranked


def tables(reproduction: Reproduction) -> list[Table]:
    """One table per measure in a grid; one table of all measures where the recipe asks for cells."""
    if reproduction.recipe.layout == "cells":
        return [_cells(reproduction)]
    return [_grid(reproduction, measure) for measure in reproduction.recipe.measures]


def _grid(reproduction: Reproduction, measure: str) -> Table:
    """Per system: the reported row, and below it measured, difference and verdict where it was measured."""
    rows = [row for row in reproduction.rows if row.measure == measure]
    columns = [Column(name, name) for name in reproduction.languages]
    columns += [Column(name, name, "mean") for name in reproduction.means]
    columns.append(Column("verdict", "verdict", "other"))
    digits = _digits(rows)
    reported = Table(
        title=f"{reproduction.recipe.title}: {measure}",
        columns=tuple(columns),
        rows=tuple(_reported(row, digits) for row in rows),
        notes=reproduction.notes,
        digits=digits,
    )
    marked = ranked(reported).rows
    return replace(
        reported, rows=tuple(line for row, first in zip(rows, marked, strict=True) for line in _block(row, first))
    )


def _digits(rows: Sequence[ReproducedRow]) -> int:
    return max((cell.reported.decimals for row in rows for cell in row.cells if cell.reported is not None), default=1)


def _reported(row: ReproducedRow, digits: int) -> Row:
    cells = [_number(cell, digits) for cell in row.cells]
    return Row(row.system, (*cells, TableCell(text=summary(row))), kind=row.setting)


def _number(cell: ReproducedCell, digits: int) -> TableCell:
    """The reported number; one that was printed with fewer digits than the table's keeps its own."""
    if cell.reported is None:
        return TableCell()
    if cell.reported.decimals < digits:
        return TableCell(text=cell.reported.printed)
    return TableCell(value=cell.reported.fraction)


def _block(row: ReproducedRow, reported: Row) -> list[Row]:
    if not row.measured_system:
        return [reported]
    measured = [_points(cell.measured) for cell in row.cells]
    if all(cell.reported is None for cell in row.cells):
        return [Row(row.system, (*measured, TableCell(text="not published")), kind="measured")]
    differences = [_points(cell.difference) for cell in row.cells]
    verdicts = [TableCell(text=cell.verdict if cell.reported is not None else "") for cell in row.cells]
    return [
        reported,
        Row(f"· measured: {row.measured_system}", (*measured, TableCell()), kind="measured"),
        Row("· difference", (*differences, TableCell()), kind="difference"),
        Row("· verdict", (*verdicts, TableCell()), kind="verdict"),
    ]


def _points(value: float | None) -> TableCell:
    return TableCell() if value is None else TableCell(value=value / 100.0)


def summary(row: ReproducedRow) -> str:
    """The verdicts of a row in words: "9 match, 2 close", or why nothing was measured."""
    if not row.measured_system:
        return f"not run: {row.why}"
    return ", ".join(f"{count} {verdict}" for verdict, count in row.counts().items()) or "not published"


def _cells(reproduction: Reproduction) -> Table:
    """One line per cell: reported, measured, difference, verdict."""
    columns = (
        Column("measure", "measure", "other"),
        Column("language", "language", "other"),
        Column("reported", "reported", "other"),
        Column("measured", "measured", "other"),
        Column("difference", "difference", "other"),
        Column("verdict", "verdict", "other"),
    )
    digits = min(_digits(reproduction.rows), 2)
    rows = [
        Row(
            row.system if not row.measured_system else f"{row.system} | {row.measured_system}",
            (
                TableCell(text=row.measure),
                TableCell(text=cell.language),
                TableCell() if cell.reported is None else TableCell(value=cell.reported.fraction),
                _points(cell.measured),
                _points(cell.difference),
                TableCell(text=_verdict(row, cell)),
            ),
            kind=row.setting,
        )
        for row in reproduction.rows
        for cell in row.cells
        if cell.reported is not None or cell.measured is not None
    ]
    return Table(reproduction.recipe.title, columns, tuple(rows), reproduction.notes, digits=digits)


def _verdict(row: ReproducedRow, cell: ReproducedCell) -> str:
    if cell.reported is None:
        return "not published"
    if cell.verdict == "not run":
        return f"not run: {row.why or 'no result for this language yet'}"
    return cell.verdict


def records(reproduction: Reproduction) -> list[dict[str, object]]:
    """One record per cell for a program to read; values in points (percent), null where there is none."""
    return [
        {
            "table": reproduction.recipe.name,
            "system": row.system,
            "setting": row.setting,
            "measured_system": row.measured_system or None,
            "measure": row.measure,
            "language": cell.language,
            "reported": None if cell.reported is None else cell.reported.value,
            "measured": cell.measured,
            "difference": cell.difference,
            "verdict": _verdict(row, cell),
            "source": None if cell.reported is None else cell.reported.source,
            "place": None if cell.reported is None else cell.reported.place,
        }
        for row in reproduction.rows
        for cell in row.cells
        if cell.reported is not None or cell.measured is not None
    ]
