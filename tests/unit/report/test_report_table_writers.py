"""Every writer shows the same cells, and text stays text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from lapca_bench.errors import UsageError
from lapca_bench.report import writers
from lapca_bench.report.table import Column, Row, Table, letters, ranked
from lapca_bench.report.table import TableCell as Cell

HOSTILE = '<script>alert("1")</script> & 100% $x_1$ \\input{x} |a| *b* \u202eevil\x00'


def example(name: str = "bm25") -> Table:
    columns = (Column("de", "de"), Column("fr", "fr"), Column("mean", "mean", "mean"))
    rows = (
        Row(name, (Cell(0.1504), Cell(0.382), Cell(0.2662)), "bm25", "a"),
        Row("use", (Cell(0.3411, better_than=("a",)), Cell(None), Cell(None)), "dense", "b"),
        Row(
            "me5",
            (Cell(0.6, interval=(0.55, 0.65)), Cell(0.5), Cell(0.55, better_than=("a", "b"))),
            "dense",
            "c",
        ),
    )
    return ranked(Table("nDCG@10 on x", columns, rows, ("a note",)))


def test_every_format_shows_every_figure() -> None:
    for name in ("terminal", "markdown", "latex", "html"):
        text = writers.FORMATS[name](example())
        for figure in ("15.0", "38.2", "26.6", "34.1", "60.0", "50.0", "55.0", "a note", "nDCG@10 on x"):
            assert figure in text, (name, figure)
        assert "[55.0, 65.0]" in text
        assert ("--" if name == "latex" else "–") in text


def test_marks() -> None:
    assert "**60.0** [55.0, 65.0]" in writers.markdown(example())
    assert "<u>34.1</u><sup>a</sup>" in writers.markdown(example())
    assert r"\textbf{55.0}\textsuperscript{ab}" in writers.latex(example())
    assert r"\underline{34.1}\textsuperscript{a}" in writers.latex(example())
    assert "<strong>55.0</strong><sup>ab</sup>" in writers.html(example())
    assert "55.0* ab" in writers.terminal(example())
    assert "\x1b[1m" in writers.terminal(example(), color=True)


def test_json_has_the_shape_that_programs_read() -> None:
    rows = json.loads(writers.json(example()))["rows"]
    assert [row["system"] for row in rows] == ["bm25", "use", "me5"]
    assert rows[0]["mean"] == 0.2662
    assert rows[0]["languages"] == {"de": 0.1504, "fr": 0.382}
    assert rows[1]["languages"]["fr"] is None
    assert rows[1]["mean"] is None
    assert rows[2]["kind"] == "dense"
    assert rows[2]["better_than"] == {"mean": ["a", "b"]}
    assert rows[2]["intervals"] == {"de": [0.55, 0.65]}


def test_csv_keeps_full_precision_and_leaves_missing_values_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(writers.csv(example()))))
    assert rows[0] == {"system": "bm25", "kind": "bm25", "de": "0.1504", "fr": "0.382", "mean": "0.2662"}
    assert rows[1]["fr"] == ""


def test_a_name_is_never_a_formula_in_csv() -> None:
    assert "\n'=HYPERLINK(1)," in writers.csv(example("=HYPERLINK(1)"))


def test_hostile_names_stay_text() -> None:
    html = writers.html(example(HOSTILE))
    assert "<script>" not in html
    assert "\u202e" not in html
    assert "\x00" not in html
    latex = writers.latex(example(HOSTILE))
    assert r"\textbackslash{}input\{x\}" in latex
    assert r"100\% \$x\_1\$" in latex
    markdown = writers.markdown(example(HOSTILE))
    assert "<script>" not in markdown
    assert r"\|a\| \*b\*" in markdown


def test_a_wide_table_is_cut_into_blocks_of_columns() -> None:
    columns = tuple(Column(f"l{i:02}", f"l{i:02}") for i in range(40))
    wide = Table("t", columns, (Row("system one", tuple(Cell(i / 100) for i in range(40))),))
    lines = writers.terminal(wide, width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.startswith("system one") for line in lines) == 5
    for i in range(40):
        assert any(f"l{i:02}" in line for line in lines)
    assert max(map(len, writers.terminal(wide).splitlines())) > 200


def test_more_rows_than_the_alphabet_has_letters() -> None:
    names = letters(40)
    rows = tuple(Row(f"s{i}", (Cell(i / 40, better_than=tuple(names[:i])),), "dense", names[i]) for i in range(40))
    table = ranked(Table("t", (Column("mean", "mean", "mean"),), rows))
    for name, writer in writers.FORMATS.items():
        assert "s39" in writer(table), name
    assert "a-am" in writers.markdown(table)


def test_the_suffix_names_the_format(tmp_path: Path) -> None:
    for suffix, writer in writers.SUFFIXES.items():
        path = tmp_path / f"table{suffix}"
        writers.write(example(), path)
        assert path.read_text("utf-8") == writer(example())
    with pytest.raises(UsageError, match="suffix"):
        writers.write(example(), tmp_path / "table.pdf")
