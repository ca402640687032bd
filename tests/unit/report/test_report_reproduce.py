"""Reproduction tables: verdicts, means that need every language, reasons, and what is refused."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lapca_bench.collections.family import Presence
from lapca_bench.errors import InputError, UsageError
from lapca_bench.report.published import output as reproduce_output
from lapca_bench.report.published import tables as recipes
from lapca_bench.report.published.as_table import records, tables
from lapca_bench.report.published.published import published
from lapca_bench.report.published.reproduce import reproduce
from lapca_bench.report.published.tables import Counterpart, TableRecipe
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Facts, StoredMean

UNMAPPED = """title = "x"
collection = "c"
protocol = "p"
split = "s"
measures = ["m"]
[measured]
collection = "c/x"
split = "s"
measures = {}
"""


def here(_name):
    return Presence(True)


def absent(_name):
    return Presence(False, "passages: not on this machine", "get them from their authors")


def facts(system, collection, means, *, split="validation", measure="nDCG@10", finished="2026-01-01"):
    return Facts(
        key=f"{system}{collection}{finished}",
        system=system,
        title=system,
        kind="dense",
        system_digest="0",
        collection=collection,
        split=split,
        languages=tuple(means),
        aggregates=[
            StoredMean(measure=measure, language=language, mean=mean, queries=1190) for language, mean in means.items()
        ],
        provenance=Provenance({"finished": finished}),
    )


def bm25s():
    (recipe,) = recipes.find("xquad-retrieval-bm25s")
    return recipe


def measured_like_published(**changes):
    """Results of bm25s on every language, equal to the published numbers but for `changes` (points)."""
    values = published().select(collection="xquad-retrieval", system="mteb/baseline-bm25s")
    return [
        facts("bm25s", f"xquad-retrieval/{v.language}", {v.language: (v.value + changes.get(v.language, 0)) / 100})
        for v in values
    ]


def verdicts(reproduction):
    return {cell.language: cell.verdict for cell in reproduction.rows[0].cells}


def test_match_close_and_differs_follow_the_printed_digits():
    made = reproduce(bm25s(), published(), measured_like_published(ar=0.0004, de=0.1, el=-3.0), here)
    found = verdicts(made)
    assert (found["ar"], found["de"], found["el"], found["en"]) == ("match", "close", "differs", "match")
    cell = next(cell for cell in made.rows[0].cells if cell.language == "el")
    assert cell.difference == pytest.approx(-3.0)


def test_the_means_over_shared_languages_are_noted():
    results = [r for r in measured_like_published(ar=-2.0, de=-1.0) if r.collection[-2:] in {"ar", "de", "el"}]
    notes = " ".join(reproduce(bm25s(), published(), results, here).notes)
    assert "over the 3 languages that both have" in notes
    assert "difference -1.00." in notes


def test_a_language_not_measured_is_not_run_and_takes_the_mean_with_it():
    (recipe,) = recipes.find("xquad-retrieval-bm25s")
    results = [r for r in measured_like_published() if not r.collection.endswith("/zh")]
    with_mean = recipe.model_copy(update={"means": ("avg",)})
    made = reproduce(with_mean, published(), results, here)
    assert verdicts(made)["zh"] == "not run"
    (line,) = [r for r in records(made) if r["language"] == "zh"]
    assert line["verdict"] == "not run: no result for this language yet"


def test_the_mean_is_over_every_language_or_absent():
    (recipe,) = recipes.find("mr-tydi-readme")
    languages = recipe.languages
    results = [facts("bm25", f"mr-tydi/{x}", {x: 0.3}, split="test", measure="RR@100") for x in languages]

    def mean(some):
        (row,) = [r for r in reproduce(recipe, published(), some, here).rows if r.measured_system]
        return row.cells[-1]

    assert mean(results).measured == pytest.approx(30.0)
    assert mean(results[1:]).measured is None
    assert mean(results[1:]).verdict == "not run"


def test_the_newest_of_two_results_counts():
    old = measured_like_published(ar=-9.0)
    new = [
        facts("bm25s", r.collection, {a["language"]: a["mean"] for a in r.aggregates}, finished="2026-02-01")
        for r in measured_like_published()
    ]
    assert verdicts(reproduce(bm25s(), published(), [*new, *old], here))["ar"] == "match"


def test_reasons_for_what_was_not_run():
    def why(name, status):
        (recipe,) = recipes.find(name)
        return {row.system: row.why for row in reproduce(recipe, published(), [], status).rows}

    assert set(why("mr-tydi", absent).values()) == {"corpus absent"}
    assert why("mr-tydi", here)["BM25 (tuned)"] == "no card describes this system"
    assert why("mr-tydi", here)["BM25 (default)"] == "no result of bm25 yet"
    assert why("xquad-retrieval-bm25s", here)["mteb/baseline-bm25s"] == "no result of bm25s yet"
    assert set(why("lapca", here).values()) == {"the answers of the test set are not public"}
    (recipe,) = recipes.find("mr-tydi")
    assert "get them from their authors" in " ".join(reproduce(recipe, published(), [], absent).notes)


def test_every_recipe_that_comes_with_the_project_makes_its_tables():
    for name, recipe in recipes.recipes().items():
        made = reproduce(recipe, published(), [], absent)
        assert made.rows, name
        for table in tables(made):
            assert all(len(row.cells) == len(table.columns) for row in table.rows), name


def test_every_recipe_measures_on_collections_and_measures_that_exist():
    from lapca_bench.collections import registry
    from lapca_bench.scoring import parse

    known = set(registry.names())
    for name, recipe in recipes.recipes().items():
        if recipe.measured is None:
            continue
        for measure in recipe.measured.measures.values():
            assert str(parse(measure)) == measure, name
        made = reproduce(recipe, published(), [], absent)
        missing = {recipe.measured.collection_of(language) for language in made.languages} - known
        assert not missing, (name, missing)


def test_letters_stand_for_the_tables_of_the_paper():
    assert {r.name for r in recipes.find("B")} == {"mr-tydi"}
    assert {r.protocol for r in recipes.find("c")} == {"contriever", "bge-m3"}


def test_protocols_that_do_not_compare_are_refused():
    with pytest.raises(UsageError, match=r"do not compare: protocol .*BEIR.* against .*psgs_w100"):
        recipes.merged(recipes.find("C"), published().protocols)
    with pytest.raises(UsageError, match="split dev against test"):
        recipes.merged([*recipes.find("xor-retrieve-dev"), *recipes.find("xor-retrieve-test")], published().protocols)


def test_tables_of_one_protocol_can_be_put_together():
    parts = [*recipes.find("mr-tydi-readme"), *recipes.find("contriever-mr-tydi")]
    merged = recipes.merged(parts, published().protocols)
    systems = {row.system for row in reproduce(merged, published(), [], absent).rows}
    assert systems == {*parts[0].systems, *parts[1].systems}


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "csv", "html", "json"])
def test_every_format_shows_reported_and_measured(form):
    (recipe,) = recipes.find("mr-tydi-readme")
    results = [facts("bm25", f"mr-tydi/{x}", {x: 0.3}, split="test", measure="RR@100") for x in recipe.languages]
    shown = reproduce_output.text([reproduce(recipe, published(), results, here)], form)
    assert "bm25" in shown
    assert "36.8" in shown or "0.368" in shown
    assert "differs" in shown
    if form == "json":
        assert {"reported", "measured", "difference", "verdict", "source"} <= set(json.loads(shown)[0])


def test_grid_marks_the_best_reported_number_only_among_reported_ones():
    (recipe,) = recipes.find("mr-tydi-readme")
    table = tables(reproduce(recipe, published(), [], absent))[0]
    best = [row.system for row in table.rows if row.cells[0].rank == 1]
    assert best == ["Hybrid BM25(tuned)+mDPR(NQ)"]


def test_writing_picks_the_format_by_suffix(tmp_path):
    made = [reproduce(bm25s(), published(), [], absent)]
    reproduce_output.write(made, tmp_path / "t.tex")
    assert r"\toprule" in (tmp_path / "t.tex").read_text()
    with pytest.raises(UsageError, match="suffix"):
        reproduce_output.write(made, tmp_path / "t.docx")
    assert [path.name for path in tmp_path.iterdir()] == ["t.tex"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("title = 3", "string"),
        ("[", "TOML"),
        ('title = "x"\ncollection = "c"\nprotocol = "p"\nsplit = "s"\nmeasures = []\n', "measures"),
        ('title = "x"\ncollection = "c"\nprotocol = "p"\nsplit = "s"\nmeasures = ["m"]\n', "unmeasured"),
        (UNMAPPED, "lacks m"),
        ('title = "x"\nspeed = 1\n', "speed|collection"),
    ],
)
def test_a_recipe_that_is_not_valid_is_refused_with_its_path(tmp_path, content, what):
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match=what) as caught:
        recipes.find(str(path))
    assert caught.value.path == path


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="mr-tydi"):
        recipes.find("mr-tidi")
    with pytest.raises(UsageError, match="cannot read"):
        recipes.find("/nowhere/x.toml")
    odd = bm25s().model_copy(update={"systems": ("nobody",)})
    with pytest.raises(UsageError, match="nothing published fits"):
        reproduce(odd, published(), [], here)
    with pytest.raises(InputError, match="no such folder"):
        reproduce_output.measured([Path("/nowhere")])


def test_recipes_are_values():
    assert isinstance(bm25s(), TableRecipe)
    assert bm25s() == bm25s()


def test_a_column_may_have_a_tolerance_of_its_own():
    wide = bm25s().model_copy(update={"tolerances": {"ar": 3.0}, "close": 0.5})
    made = reproduce(wide, published(), measured_like_published(ar=2.9, de=2.9), here)
    assert (verdicts(made)["ar"], verdicts(made)["de"]) == ("close", "differs")
    assert "0.5 points (3 for ar)" in " ".join(made.notes)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed (Debian: texlive-latex-base)")
def test_latex_compiles(tmp_path):
    from lapca_bench.report import writers
    from lapca_bench.report.table import Column, Row, Table, ranked
    from lapca_bench.report.table import TableCell as Cell

    every = [reproduce(recipe, published(), [], absent) for recipe in recipes.recipes().values()]
    cells = (Cell(value=0.5, better_than=("b",)), Cell(value=0.25, interval=(0.2, 0.3)), Cell())
    rows = (
        Row('100% $x_1$ & \\input{x} #~^<>|"–→×', cells, "dense", "a"),
        Row("b", (Cell(value=0.4),) * 3, "", "b"),
    )
    compared = ranked(Table("a_b", tuple(Column(x, x) for x in ("de", "fi", "m")), rows, ("Letters: $ & %.",)))
    body = reproduce_output.text(every, "latex") + writers.latex(compared)
    body = body.replace("\\begin{table}", "\\clearpage\\begin{table}")
    head = "\\documentclass{article}\\usepackage{booktabs}\\usepackage[T1]{fontenc}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(f"{head}{body}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_mean_over_all_questions_weighs_languages_by_their_questions():
    """MLQA-R has 1,148 English questions and about 500 in the others; LAReQA's own table is over questions."""
    (recipe,) = recipes.find("lareqa-mlqa-r")
    measured = dataclasses.replace(facts("x", "", {}), aggregates=[])
    counts = {"ar": 517, "de": 512, "en": 1148, "es": 500, "hi": 507, "vi": 511, "zh": 504}
    values = dict(zip(counts, (0.1, 0.2, 0.9, 0.3, 0.4, 0.5, 0.6), strict=True))
    results = [
        dataclasses.replace(
            measured,
            system="labse",
            collection=f"mlqa-r/{x}-mixed-context",
            split="test",
            languages=(x,),
            aggregates=[StoredMean(measure="AP", language=x, mean=values[x], queries=counts[x])],
        )
        for x in counts
    ]
    pair = Counterpart(published="mBERT En-En", measured="labse")
    made = reproduce(recipe.model_copy(update={"pairs": (pair,)}), published(), results, here)
    (row,) = [row for row in made.rows if row.system == "mBERT En-En"]
    cells = {cell.language: cell for cell in row.cells}
    over_questions = sum(values[x] * counts[x] for x in counts) / sum(counts.values())
    assert cells["all"].measured == pytest.approx(100 * over_questions)
    assert cells["avg"].measured == pytest.approx(100 * sum(values.values()) / len(values))
    assert (cells["all"].reported is not None, cells["avg"].reported) == (True, None)
