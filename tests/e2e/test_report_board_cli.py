"""The verbs published, reproduce, board, plot and submit as a user types them."""

import json
from pathlib import Path

import pytest
import typer
from toys import board_results as made
from typer.testing import CliRunner

from lapca_bench.cli import board, plot, published, reproduce, submit
from lapca_bench.errors import InputError, UsageError

app = typer.Typer()
app.add_typer(published.app, name="published")
app.add_typer(board.app, name="board")
app.add_typer(plot.app, name="plot")
app.command()(reproduce.reproduce)
app.command()(submit.submit)


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def results(tmp_path):
    made.write(
        tmp_path / "results",
        [
            made.result(s, f"xquad-retrieval/{x}", q, languages=(x,), split="validation", measures=("nDCG@10",))
            for s, q in (("bm25s", 0.8), ("other", 0.6))
            for x in ("ar", "de")
        ],
    )
    return tmp_path / "results"


def test_published_verbs():
    assert "mr-tydi" in run("published", "list")
    rows = json.loads(run("published", "show", "xor-retrieve", "--system", "LAPCA", "--json"))
    assert {row["printed"] for row in rows} == {"70.5", "65.1"}
    text = run("published", "show", "mr-tydi", "--system", "mDPR (NQ)", "--measure", "MRR@100", "--language", "avg")
    assert "22.6" in text
    assert "misprint:" in text
    checks = json.loads(run("published", "check", "--json"))
    assert sum(check["verdict"] == "misprint" for check in checks) == 8
    with pytest.raises(UsageError, match="fits"):
        run("published", "show", "mr-tydi", "--system", "nobody")


def test_import_prints_rows(tmp_path):
    path = tmp_path / "T.json"
    scores = {"test": [{"hf_subset": "de", "ndcg_at_10": 0.5}]}
    path.write_text(json.dumps({"task_name": "XQuADRetrieval", "scores": scores}))
    rows = run("published", "import", path, "--system", "o/m", "--place", "p").splitlines()
    assert rows[1] == "xquad-retrieval,mteb,test,unknown,o/m,de,nDCG@10,50.000,percent,mteb-results,p,reported,"


def test_reproduce(results, tmp_path):
    assert "tatoeba-me5" in run("reproduce")
    cells = json.loads(run("reproduce", "xquad-retrieval-bm25s", "--results", results, "--format", "json"))
    found = {cell["language"]: cell for cell in cells}
    assert found["ar"]["measured"] == pytest.approx(80, abs=5)
    assert found["ar"]["verdict"] == "differs"
    assert found["el"]["verdict"].startswith("not run")
    run("reproduce", "mr-tydi", "--results", results, "--out", tmp_path / "t.md")
    assert "| 36.8" in (tmp_path / "t.md").read_text()
    with pytest.raises(UsageError, match="do not compare"):
        run("reproduce", "C", "--together", "--results", results)
    with pytest.raises(InputError, match="no such folder"):
        run("reproduce", "mr-tydi", "--results", tmp_path / "nowhere")


def test_board_build_and_export(results, tmp_path):
    index = run("board", "build", "--out", tmp_path / "site", "--results", results).strip()
    assert Path(index).is_file()
    run("board", "export", "bm25s", "--as", "mteb", "--out", tmp_path / "mteb", "--results", results)
    task = json.loads((tmp_path / "mteb" / "XQuADRetrieval.json").read_text())
    assert [entry["hf_subset"] for entry in task["scores"]["validation"]] == ["ar", "de"]
    run("board", "export", "bm25s", "--as", "model-index", "--out", tmp_path / "card.md", "--results", results)
    assert (tmp_path / "card.md").read_text().startswith("---\nmodel-index: [")
    with pytest.raises(UsageError, match="bm25s"):
        run("board", "export", "bm25", "--as", "mteb", "--out", tmp_path / "x", "--results", results)


def test_verify_and_submit_refuse_what_cannot_be_checked(results, tmp_path):
    states = json.loads(run("board", "verify", "--results", results, "--json"))
    assert {state["state"] for state in states} == {"not verified"}
    text = run("submit", results, "--out", tmp_path / "s.parquet", code=1)
    assert "FAILS" in text
    assert not (tmp_path / "s.parquet").exists()


def test_damage_is_found(results):
    next(results.rglob("run-*.parquet")).write_bytes(b"nothing")
    assert "damaged" in run("board", "verify", "--results", results, code=1)


def test_results_are_kept_shown_and_made_again(results, tmp_path):
    kept = tmp_path / "kept"
    assert run("board", "keep", results, "--into", kept, "--first", 3).split() == [str(kept / "xquad-retrieval.kept")]
    states = json.loads(run("board", "verify", "--results", kept, "--json"))
    assert [state["system"] for state in states] == ["bm25s", "bm25s", "other", "other"]
    index = run("board", "build", "--out", tmp_path / "site", "--results", kept).strip()
    assert "bm25s" in Path(index).read_text()
    with pytest.raises(UsageError, match="no kept result"):
        run("board", "rerun", "--results", kept, "--system", "nobody", "--into", tmp_path / "again")
    with pytest.raises(UsageError, match="no kept result"):
        run("board", "rerun", "--results", results, "--into", tmp_path / "again")
    with pytest.raises(UsageError, match="system 'other'"):
        run("board", "rerun", "--results", kept, "--into", tmp_path / "again")


def test_plot(results, tmp_path):
    run("plot", "bars", "-c", "xquad-retrieval/ar", "--results", results, "--out", tmp_path / "bars.pdf")
    assert (tmp_path / "bars.pdf").read_bytes().startswith(b"%PDF")
