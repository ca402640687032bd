"""Writers of a `Table`: the same cells for a terminal, Markdown, LaTeX, CSV, JSON and HTML.

Text is escaped for the format it goes to: names of systems come from users and stay text.
"""

from __future__ import annotations

import csv as csv_module
import io
import json as json_module
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lapca_bench import atomic
from lapca_bench.errors import UsageError
from lapca_bench.report.escapes import (
    LATEX_LETTER,
    LATEX_PREAMBLE,
    csv_text,
    html_text,
    latex_text,
    markdown_line,
    markdown_text,
)
from lapca_bench.report.table import Column, Row, Table, TableCell, superscript
from lapca_bench.visible import visible, visible_json

GAP = 2  # blanks between two columns on a terminal


def _letters(table: Table) -> list[str]:
    return [row.letter for row in table.rows]


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    from rich.cells import cell_len

    return cell_len(text)


def _lettered(row: Row) -> str:
    return f"{row.letter}  {visible(row.system)}" if row.letter else visible(row.system)


def _blocks(widths: Sequence[int], first: int, available: int | None) -> Iterator[range]:
    """Column ranges that fit side by side beside a first column `first` wide; at least one column each."""
    start, used = 0, first
    for index, width in enumerate(widths):
        if available is not None and index > start and used + GAP + width > available:
            yield range(start, index)
            start, used = index, first
        used += GAP + width
    yield range(start, len(widths))


def terminal(table: Table, *, width: int | None = None, color: bool = False) -> str:
    """Aligned text; a table wider than `width` is cut into blocks of columns instead of being squeezed.

    With `color`, bold and underline are ANSI sequences; without, the best carries "*" and the second "+".
    """
    order = _letters(table)
    texts = [[_terminal_cell(table, cell, order, color=color) for cell in row.cells] for row in table.rows]
    marks = [[_mark(cell, color=color) for cell in row.cells] for row in table.rows]
    names = [_lettered(row) for row in table.rows]
    labels = [visible(column.label) for column in table.columns]
    first = max([len("system"), *map(_width, names)])
    widths = [
        max([_width(labels[index]), *(_width(row[index]) for row in texts)]) for index in range(len(table.columns))
    ]
    lines = [visible(table.title), ""]
    for block in _blocks(widths, first, width):
        lines.append(_padded("system", first) + "".join(_right(labels[i], widths[i]) for i in block))
        lines.append("─" * (first + sum(widths[i] + GAP for i in block)))
        for name, row, styles in zip(names, texts, marks, strict=True):
            lines.append(_padded(name, first) + "".join(_right(row[i], widths[i], styles[i]) for i in block))
        lines.append("")
    if not color and any(cell.rank for row in table.rows for cell in row.cells):
        lines.append("* best, + second best.")
    lines += [visible(note) for note in table.notes]
    return "\n".join(lines).rstrip() + "\n"


def _terminal_cell(table: Table, cell: TableCell, order: Sequence[str], *, color: bool) -> str:
    text = visible(table.plain(cell))
    if not color:
        text += {1: "*", 2: "+"}.get(cell.rank or 0, "")
    if cell.better_than:
        text += f" {superscript(cell.better_than, order)}"
    return f"{text} {table.interval(cell)}".rstrip()


def _mark(cell: TableCell, *, color: bool) -> str:
    return {1: "\x1b[1m", 2: "\x1b[4m"}.get(cell.rank or 0, "") if color else ""


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _right(text: str, width: int, style: str = "") -> str:
    blanks = " " * (GAP + width - _width(text))
    return f"{blanks}{style}{text}\x1b[0m" if style else blanks + text


def markdown(table: Table) -> str:
    """A pipe table; best **bold**, second <u>underlined</u>, letters as <sup>."""
    order = _letters(table)
    lines = [f"**{markdown_text(table.title)}**", ""]
    lines.append("| system |" + "".join(f" {markdown_text(column.label)} |" for column in table.columns))
    lines.append("|---|" + "".join("---|" if column.role == "other" else "---:|" for column in table.columns))
    for row in table.rows:
        name = f"{row.letter}&ensp;{markdown_text(row.system)}" if row.letter else markdown_text(row.system)
        cells = [_markdown_cell(table, cell, order) for cell in row.cells]
        lines.append(f"| {name} |" + "".join(f" {cell} |" for cell in cells))
    if table.notes:
        lines += ["", *(f"{markdown_line(note)}  " for note in table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_cell(table: Table, cell: TableCell, order: Sequence[str]) -> str:
    text = markdown_text(table.plain(cell))
    text = {1: f"**{text}**", 2: f"<u>{text}</u>"}.get(cell.rank or 0, text)
    if cell.better_than:
        text += f"<sup>{superscript(cell.better_than, order)}</sup>"
    return f"{text} {table.interval(cell)}".rstrip()


def latex(table: Table) -> str:
    r"""A `table` environment with booktabs rules (`\usepackage{booktabs}` and T1 fonts are all it needs)."""
    order = _letters(table)
    shape = "l" + "".join("l" if column.role == "other" else "r" for column in table.columns)
    heads = ["System", *(latex_text(column.label) for column in table.columns)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex_text(table.title)}}}",
        rf"\begin{{tabular}}{{{shape}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        name = latex_text(row.system)
        cells = [rf"\textsuperscript{{{row.letter}}}{name}" if row.letter else name]
        cells += [_latex_cell(table, cell, order) for cell in row.cells]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        notes = r" \\ ".join(latex_text(note) for note in table.notes)
        lines += ["", r"\smallskip", rf"\parbox{{\linewidth}}{{\footnotesize {notes}}}"]
    whole = "\n".join([*lines, r"\end{table}"]) + "\n"
    return f"{LATEX_PREAMBLE}\n{whole}" if LATEX_LETTER in whole else whole


def _latex_cell(table: Table, cell: TableCell, order: Sequence[str]) -> str:
    text = latex_text(table.plain(cell))
    text = {1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}.get(cell.rank or 0, text)
    if cell.better_than:
        text += rf"\textsuperscript{{{superscript(cell.better_than, order)}}}"
    return f"{text} {table.interval(cell)}".rstrip()


def csv(table: Table) -> str:
    """One line per row: system, kind, then every column as an unrounded number in the measure's own unit.

    A missing value is an empty field. A name that a spreadsheet would read as a formula gets a leading apostrophe.
    """
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(["system", "kind", *(csv_text(column.key) for column in table.columns)])
    for row in table.rows:
        values = [repr(cell.value) if cell.value is not None else csv_text(cell.text) for cell in row.cells]
        writer.writerow([csv_text(row.system), csv_text(row.kind), *values])
    return out.getvalue()


def document(table: Table) -> dict[str, object]:
    """The table as JSON values: `rows` of `system`, `kind`, `mean`, `languages`, unrounded; a missing value is null."""
    return {
        "title": table.title,
        "columns": [column.key for column in table.columns],
        "rows": [_json_row(row, table.columns) for row in table.rows],
        "notes": list(table.notes),
    }


def _json_row(row: Row, columns: Sequence[Column]) -> dict[str, object]:
    cells = list(zip(columns, row.cells, strict=True))
    values = {column.key: cell.value if cell.value is not None else cell.text or None for column, cell in cells}
    languages = {column.key for column in columns if column.role == "language"}
    better = {column.key: list(cell.better_than) for column, cell in cells if cell.better_than}
    intervals = {column.key: list(cell.interval) for column, cell in cells if cell.interval is not None}
    return {
        "system": row.system,
        "kind": row.kind,
        "mean": None,
        "languages": {key: value for key, value in values.items() if key in languages},
        **({"letter": row.letter} if row.letter else {}),
        **{key: value for key, value in values.items() if key not in languages},
        **({"better_than": better} if better else {}),
        **({"intervals": intervals} if intervals else {}),
    }


def json(table: Table) -> str:
    """`document` as indented JSON."""
    return visible_json(json_module.dumps(document(table), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def html(table: Table) -> str:
    """A `<table>` element; every text is escaped, no script and no style is in it."""
    order = _letters(table)
    lines = ["<table>", f"<caption>{html_text(table.title)}</caption>", "<thead><tr>"]
    lines += [f'<th scope="col">{html_text(label)}</th>' for label in ("system", *(c.label for c in table.columns))]
    lines.append("</tr></thead>\n<tbody>")
    for row in table.rows:
        letter = f"<sup>{row.letter}</sup>" if row.letter else ""
        cells = "".join(f"<td>{_html_cell(table, cell, order)}</td>" for cell in row.cells)
        lines.append(f'<tr><th scope="row">{letter}{html_text(row.system)}</th>{cells}</tr>')
    lines.append("</tbody>")
    if table.notes:
        notes = "<br>".join(html_text(note) for note in table.notes)
        lines.append(f'<tfoot><tr><td colspan="{len(table.columns) + 1}">{notes}</td></tr></tfoot>')
    return "\n".join([*lines, "</table>"]) + "\n"


def _html_cell(table: Table, cell: TableCell, order: Sequence[str]) -> str:
    text = html_text(table.plain(cell))
    text = {1: f"<strong>{text}</strong>", 2: f"<u>{text}</u>"}.get(cell.rank or 0, text)
    if cell.better_than:
        text += f"<sup>{superscript(cell.better_than, order)}</sup>"
    return f"{text} {table.interval(cell)}".rstrip()


def screen(table: Table) -> str:
    """The table for this process's standard output: its width and colours if it is a terminal, plain text if not."""
    import os
    import sys

    if not sys.stdout.isatty():
        return terminal(table)
    return terminal(table, width=shutil.get_terminal_size().columns, color="NO_COLOR" not in os.environ)


FORMATS: dict[str, Callable[[Table], str]] = {
    "terminal": screen,
    "markdown": markdown,
    "latex": latex,
    "csv": csv,
    "json": json,
    "html": html,
}
SUFFIXES = {".md": markdown, ".tex": latex, ".csv": csv, ".json": json, ".html": html, ".txt": terminal}


def file_name(name: str) -> str:
    """A name of a system, collection or measure as part of a file name: "help-pages/de-en" → "help-pages-de-en"."""
    return re.sub(r"[^\w.+@=-]+", "-", name).strip("-.")[:120] or "unnamed"


def write(table: Table, path: Path) -> None:
    """Write the table in the format that the file's suffix names; raises `UsageError` for another suffix."""
    writer = SUFFIXES.get(path.suffix.lower())
    if writer is None:
        raise UsageError("no table format has this suffix", path=path, remedy=f"use one of {', '.join(SUFFIXES)}")
    atomic.write_text(path, writer(table))


PUBLISHED = ("md", "tex", "csv", "json", "html")  # the formats that are kept beside results; text is for terminals


def write_all(table: Table, stem: Path) -> tuple[str, ...]:
    """Write the table as `stem` with every suffix of `PUBLISHED`, which are returned."""
    for suffix in PUBLISHED:
        write(table, stem.with_name(f"{stem.name}.{suffix}"))
    return PUBLISHED
