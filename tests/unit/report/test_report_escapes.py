"""Names that mean something to LaTeX, spreadsheets, Markdown and HTML stay names, in tables and on pages."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from toys.hostile import NAMES as HOSTILE_NAMES

from lapca_bench.report import board, writers
from lapca_bench.report.escapes import csv_text, latex_text, markdown_line, markdown_text
from lapca_bench.report.table import Column, Row, Table, TableCell

EXPORT = Path(board.__file__).parent / "templates" / "export.js"


def table(names):
    columns = (Column("de", "de"), Column('=HYPERLINK("http://x")', "[1em] %"))
    rows = tuple(
        Row(name, (TableCell(0.5), TableCell(text=name)), letter="a" if n % 2 else "") for n, name in enumerate(names)
    )
    return Table("[title] \\input{x} 100 %", columns, rows, notes=tuple(names))


def compiled(text, folder):
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
    (folder / "t.tex").write_text(f"{head}\n\\listoftables\n{text}\n\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=folder, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")[-1500:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed (apt-get install texlive)")
def test_a_table_of_hostile_names_compiles(tmp_path):
    text = writers.latex(table(HOSTILE_NAMES))
    for _ in range(2):  # the second reads the list of tables that the first wrote
        code, log = compiled(text, tmp_path)
        assert code == 0, log


def test_what_begins_a_row_is_no_option():
    assert latex_text("[x]*") == "{[}x]{*}"
    assert latex_text("a--b 50 % \\x") == r"a-{}-b 50 \% \textbackslash{}x"
    assert latex_text("東é") == r"\lapcaletter{東}{U+6771 }é"


def test_headings_of_csv_are_escaped_like_cells():
    rows = list(csv.reader(io.StringIO(writers.csv(table(HOSTILE_NAMES)))))
    assert len(rows) == len(HOSTILE_NAMES) + 1
    for row in rows:
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in row)
    assert rows[0][3] == '\'=HYPERLINK("http://x")'
    assert csv_text(" \t=1+1") == "'=1+1"


def test_a_name_stays_in_its_cell_of_markdown_and_html():
    text = writers.markdown(table(HOSTILE_NAMES))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == len(HOSTILE_NAMES) + 1
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
    assert markdown_text("<b>[x](y)") == r"&lt;b&gt;\[x\](y)"
    assert [markdown_line(line) for line in ("- a", "1. b", "# c", "===")] == [r"\- a", r"1\. b", r"\# c", r"\==="]
    assert "<b>" not in writers.html(table(["<b>x", '" onmouseover="']))
    assert 'onmouseover="' not in writers.html(table(['" onmouseover="'])).replace("&quot;", "")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_pages_escape_as_the_tables_do():
    names = [*HOSTILE_NAMES, *map(chr, range(0xA1, 0x250)), "a", "a--b", "?`x"]
    names = [name for name in names if not any(0x1C <= ord(c) < 0x20 or ord(c) == 0x85 for c in name)]
    program = EXPORT.read_text() + (
        "\nconst names = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(names.map((n) => [EXPORT.latexText(n), EXPORT.csvField(n)])));"
    )
    done = subprocess.run(["node", "-e", program], input=json.dumps(names), capture_output=True, text=True, check=True)
    for name, (tex, field) in zip(names, json.loads(done.stdout), strict=True):
        assert tex == latex_text(name), name
        assert next(csv.reader([field]), [""]) == ([csv_text(name)] if csv_text(name) else [""]) or not csv_text(name)
