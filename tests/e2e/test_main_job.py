"""The main job from files to table: a collection of one's own, an encoder in a file elsewhere, the command."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toys.cli import Ended, calls, command, in_own_process, in_process, write_collection, write_encoder

MEASURES = {"nDCG@10": "ndcg_cut_10", "RR@10": "recip_rank", "R@100": "recall_100", "AP": "map", "P@5": "P_5"}


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A folder with a collection, a user's encoder elsewhere, and a cache of its own."""
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lapca(capsys):
    def run(*words: str) -> Ended:
        return in_process(*words, capture=capsys)

    return run


def job(folder: Path, *more: str) -> tuple[str, ...]:
    card = write_collection(folder / "data")
    encoder = write_encoder(folder / "elsewhere")
    return ("run", "--encoder", encoder, "--collection", str(card), "--results", str(folder / "results"), *more)


def test_an_encoder_in_a_file_ends_in_a_table(workshop, lapca):
    ended = lapca(*job(workshop))
    assert ended.code == 0, ended.err
    assert "Grams on" in ended.out.replace(str(workshop / "elsewhere") + "/mine.py:", "")
    assert "nDCG@10 on files/toy" in ended.out
    heads = next(line for line in ended.out.splitlines() if line.startswith("system"))
    assert heads.split() == ["system", "de", "fr", "mean"]
    for suffix in ("md", "tex", "csv", "json", "html"):
        assert len(list((workshop / "results" / "tables").glob(f"*nDCG@10.{suffix}"))) == 1


def test_a_second_run_encodes_nothing_and_says_so(workshop, lapca):
    words = job(workshop)
    first = lapca(*words)
    assert "encoded 70 texts" in first.out  # 40 documents and 30 queries
    texts = calls(workshop / "elsewhere")
    second = lapca(*words)
    assert second.code == 0
    assert "encoded 0 texts, reused" in second.out
    assert calls(workshop / "elsewhere") - texts <= 6  # the fixed probe sentences that fingerprint a user's encoder
    rows = [line for line in first.out.splitlines() if line.startswith("Grams")]
    assert rows == [line for line in second.out.splitlines() if line.startswith("Grams")]


def test_another_encoder_under_the_same_name_is_not_taken_for_the_first(workshop, lapca):
    words = job(workshop)
    lapca(*words)
    source = workshop / "elsewhere" / "mine.py"
    source.write_text(source.read_text().replace("row[zlib", "row[1 + 0 * zlib"))
    ended = lapca(*words)
    assert "encoded 70 texts" in ended.out
    shown = lapca("table", "--collection", str(workshop / "data" / "card.toml"), "--results", str(workshop / "results"))
    assert "left out, of another system of the same name: Grams on files/toy" in shown.err


def test_measures_asked_later_are_scored_from_the_stored_run(workshop, lapca):
    words = job(workshop)
    lapca(*words)
    ended = lapca(*words, "--measure", "P@5")
    assert "rescored" in ended.out
    assert "P@5 on files/toy" in ended.out
    assert "encoded 0 texts" in ended.out
    assert "reused" in lapca(*words, "--measure", "P@5").out


def test_exported_files_score_as_trec_eval_scores_them(workshop, lapca):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    lapca(*job(workshop))
    out = workshop / "trec"
    card = str(workshop / "data" / "card.toml")
    exported = lapca("export", "--collection", card, "--results", str(workshop / "results"), "--out", str(out))
    assert exported.code == 0, exported.err
    run_file, qrels_file = next(out.rglob("*.run")), next(out.rglob("qrels.txt"))
    asked = [word for measure in MEASURES for word in ("--measure", measure)]
    found = json.loads(lapca("score", str(run_file), str(qrels_file), *asked, "--json", "--per-query").out)

    qrels = pytrec_eval.parse_qrel(qrels_file.open())
    run = pytrec_eval.parse_run(run_file.open())
    shallow = {query: _first(documents, 10) for query, documents in run.items()}
    evaluated = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut", "recall", "map", "P"}).evaluate(run)
    cut = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(shallow)
    for query in qrels:
        evaluated[query]["recip_rank"] = cut[query]["recip_rank"]
    for measure, name in MEASURES.items():
        expected = {query: values[name] for query, values in evaluated.items()}
        assert found["measures"][measure] == pytest.approx(np.mean(list(expected.values())), abs=1e-9)
        for query, value in expected.items():
            assert found["per_query"][query][measure] == pytest.approx(value, abs=1e-9)

    stored = lapca("table", "--collection", card, "--results", str(workshop / "results"), "--measure", "AP")
    assert stored.code == 2
    assert "not scored by AP" in stored.err


def _first(documents: dict[str, float], k: int) -> dict[str, float]:
    """trec_eval's first k: by single-precision score, then id, both descending."""
    order = sorted(documents, key=lambda d: (np.float32(documents[d]), d), reverse=True)
    return {document: documents[document] for document in order[:k]}


def test_json_of_run_and_table(workshop, lapca):
    ended = lapca(*job(workshop, "--json"))
    document = json.loads(ended.out)
    assert [cell["state"] for cell in document["cells"]] == ["new"]
    assert document["cells"][0]["encoded"] == 70
    shown = lapca(
        "table",
        "-c",
        str(workshop / "data" / "card.toml"),
        "-m",
        "R@100",
        "--results",
        str(workshop / "results"),
        "--json",
    )
    (row,) = json.loads(shown.out)["rows"]
    assert row["system"] == "Grams"
    assert row["kind"] == "dense"
    assert set(row["languages"]) == {"de", "fr"}
    assert row["mean"] == pytest.approx(sum(row["languages"].values()) / 2)
    by_name = lapca("table", "-c", "files/toy", "-m", "R@100", "--results", str(workshop / "results"), "--json")
    assert by_name.out == shown.out


def test_every_format_shows_the_same_cells(workshop, lapca):
    lapca(*job(workshop))
    base = ("table", "-c", "files/toy", "--results", str(workshop / "results"))
    row = json.loads(lapca(*base, "--json").out)["rows"][0]
    figures = [f"{100 * value:.1f}" for value in (*row["languages"].values(), row["mean"])]
    for form in ("terminal", "markdown", "latex", "html"):
        text = lapca(*base, "--format", form).out
        assert all(figure in text for figure in figures), form
    (line,) = csv.DictReader(lapca(*base, "--format", "csv").out.splitlines())
    assert float(line["mean"]) == row["mean"]


def test_a_log_lies_beside_the_results(workshop, lapca):
    lapca(*job(workshop))
    log = workshop / "results" / "lapca-bench.log"
    lines = log.read_text().splitlines()
    for stage in ("search 30 queries", "encode documents (Grams): encoded 40 texts", "score", "[1/1]"):
        assert sum(stage in line for line in lines) >= 1, stage
    lapca(*job(workshop))
    assert log.read_text().splitlines()[: len(lines)] == lines, "what was logged before stays"


def test_provenance_of_a_result(workshop, lapca):
    lapca(*job(workshop))
    (manifest,) = (workshop / "results").rglob("result.json")
    found = json.loads(manifest.read_text())["provenance"]
    assert found["collection"]["version"] == "3"
    assert len(found["collection"]["fingerprint"]) == 64
    assert found["first_texts"]["document"].startswith("t0 ")
    assert found["encoded"] == 70
    assert found["index_bytes"] > 0
    assert {"encode queries", "encode documents", "rank", "score", "total"} <= set(found["timings"])
    assert found["versions"]["numpy"] == np.__version__
    assert found["threads"] >= 1
    assert str(workshop) not in found["command"]


def test_a_failing_system_stops_no_other(workshop, lapca):
    words = job(workshop)
    broken = workshop / "broken.py"
    broken.write_text("class Broken:\n    def encode(self, texts):\n        return [[float('nan')]] * len(texts)\n")
    ended = lapca(*words, "--encoder", f"{broken}:Broken")
    assert ended.code == 1
    assert "FAILED" in ended.out
    assert "NaN" in ended.out
    assert "Grams" in ended.out.split("nDCG@10 on files/toy")[1]
    assert "1 of 2 cells failed" in ended.err
    assert "Traceback" not in ended.out + ended.err


def test_an_experiment_file_runs_relative_to_itself(workshop, lapca, monkeypatch):
    write_collection(workshop / "data")
    write_encoder(workshop / "data")
    experiment = workshop / "data" / "mine.toml"
    experiment.write_text('systems = ["mine.py:Grams"]\ncollections = ["card.toml"]\nmeasures = ["RR@10", "P@5"]\n')
    ended = lapca("run", "-x", str(experiment), "-o", "out")
    assert ended.code == 0, ended.err
    assert "RR@10 on files/toy" in ended.out
    assert (
        sorted(path.name for path in Path("out/tables").glob("*.md")) == ["toy-P@5.md", "toy-RR@10.md"]
        or len(list(Path("out/tables").glob("*.md"))) == 2
    )


def test_dry_run_says_what_is_stored_and_runs_nothing(workshop, lapca):
    words = job(workshop)
    assert "to run" in lapca(*words, "--dry-run", "--run-code").out
    assert not (workshop / "results").exists()
    lapca(*words)
    (record,) = json.loads(lapca(*words, "--dry-run", "--run-code", "--json").out)
    assert (record["state"], record["to encode"]) == ("stored", 0)


def test_dry_run_says_what_it_will_cost_and_counts_what_systems_share_once(workshop, lapca):
    words = job(workshop)
    Path("both.toml").write_text(
        'name = "both"\ntitle = "t"\nkind = "fusion"\nlicence = "x"\ncitation = "x"\nurl = "https://example.org"\n'
        'languages = ["*"]\n[fusion]\nsystems = ["hashed.toml", "char-ngrams"]\n'
    )
    Path("hashed.toml").write_text(
        'name = "hashed"\ntitle = "t"\nkind = "dense"\nlicence = "x"\ncitation = "x"\nurl = "https://example.org"\n'
        f'languages = ["*"]\n[encoder]\ntype = "python"\npath = "{words[2]}"\n'
    )
    asked = ("run", "-s", "hashed.toml", "-s", "both.toml", "-c", words[4], "-n", "--run-code")
    records = json.loads(lapca(*asked, "--json").out)
    assert [(record["to encode"], record["bytes"], record["tokens"]) for record in records] == [
        (70, 70 * 256, None)
    ] * 2
    assert "in all: 70 texts to encode, ? tokens, 17.9 kB" in lapca(*asked).out
    assert not list(workshop.glob("**/*.npy"))


def test_search_writes_a_run_and_answers_a_question(workshop, lapca):
    words = job(workshop)
    out = workshop / "grams.run"
    ended = lapca("search", "-s", words[2], "-c", words[4], "-o", str(out), "--depth", "7")
    assert ended.code == 0, ended.err
    assert len(out.read_text().splitlines()) == 30 * 7
    asked = lapca("search", "-s", words[2], "-c", words[4], "--query", "river stone", "--depth", "3")
    assert len(asked.out.splitlines()) == 3
    scored = lapca("score", str(out), "--collection", words[4])
    assert scored.code == 0, scored.err
    assert "nDCG@10" in scored.out


def test_encode_ahead_of_a_run(workshop, lapca):
    words = job(workshop)
    (cost,) = json.loads(lapca("encode", "-s", words[2], "-c", words[4], "--dry-run", "--run-code", "--json").out)
    assert (cost["stored"], cost["to encode"], cost["bytes"]) == (0, 70, 70 * 64 * 4)
    assert "about" in lapca("encode", "-s", words[2], "-c", words[4], "-n", "--run-code").out
    assert "encoded 70 texts" in lapca("encode", "-s", words[2], "-c", words[4]).out
    assert "reused 70" in lapca("encode", "-s", words[2], "-c", words[4]).out
    assert "encoded 0 texts" in lapca(*words).out


def test_compare_tells_runs_apart(workshop, lapca):
    words = job(workshop)
    lapca("search", "-s", words[2], "-c", words[4], "-o", "good.run")
    lines = [line.split() for line in Path("good.run").read_text().splitlines()]
    Path("bad.run").write_text("".join(f"{q} Q0 {d} 1 {-float(s)} bad\n" for q, _, d, _, s, _ in lines))
    qrels = str(workshop / "data" / "qrels.txt")
    document = json.loads(lapca("compare", "good.run", "bad.run", "--qrels", qrels, "-m", "nDCG@10", "--json").out)
    good, bad = document["rows"]
    assert good["better_than"] == {"nDCG@10": [bad["letter"]]}
    assert "better_than" not in bad
    assert document["comparisons"][0]["p_holm"] < 0.05
    same = lapca("compare", "good.run", "good.run", "--qrels", qrels)
    assert same.code == 2


def test_table_and_run_list_the_pairs_behind_their_letters(workshop, lapca):
    card = str(write_collection(workshop / "data"))
    systems = ("-s", "bm25s", "-s", "char-ngrams")
    run = json.loads(lapca("run", *systems, "-c", card, "-o", "r", "--pairs", "--json").out)
    (of_run,) = run["comparisons"]
    words = ("table", "-c", card, "--results", "r", "--pairs", "--baseline", "bm25s", "--equal-within", "2")
    (of_table,) = json.loads(lapca(*words, "--json").out)["comparisons"]
    assert (of_table["first"], of_table["second"], of_table["margin"]) == ("char-ngrams", "bm25s", 0.02)
    assert of_table["p_uncorrected"] == of_run["p_uncorrected"]
    assert abs(of_table["difference"]) == pytest.approx(abs(of_run["difference"]))
    shown = lapca(*words).out
    assert "detectable" in shown
    assert "p (equal)" in shown
    lapca(*words, "-o", "t.md")
    assert "detectable" in Path("t-pairs.md").read_text()
    assert lapca(*words[:-4], "--baseline", "nobody").code == 2


def test_from_python(workshop):
    import lapca_bench as lb

    card = write_collection(workshop / "data")

    class Lengths:
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([[len(text), text.count("a") + 1.0] for text in texts], dtype=np.float32)

    class Letters:
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([[text.count(letter) + 0.1 for letter in "aeiost"] for text in texts], dtype=np.float32)

    evaluation = lb.evaluate(systems=[Lengths(), Letters()], collections=[str(card)], results=workshop / "r")
    table = evaluation.table("nDCG@10")
    assert "Lengths" in str(table)
    assert table.to_markdown().count("|") > 8
    (pair,) = evaluation.pairs("nDCG@10")
    means = {row.system: row.cells[-1].value for row in table.rows}
    assert pair.difference == pytest.approx(means[pair.first] - means[pair.second])
    assert pair.low <= pair.difference <= pair.high
    assert bool(table.rows[0].cells[-1].better_than or table.rows[1].cells[-1].better_than) == pair.significant
    assert set(evaluation.frame["measure"]) == {"nDCG@10", "RR@10", "R@100"}


def test_the_encoder_of_the_readme_runs_as_printed(workshop, lapca):
    """Its file, its Python lines and its command, with a collection that needs no fetching and without me5-small-q4."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    file, program = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (asked,) = re.findall(r"^lapca-bench (run --encoder mine.py:Mine .*)$", readme, re.MULTILINE)
    card = str(write_collection(workshop / "data"))
    (workshop / "mine.py").write_text(file)
    (workshop / "program.py").write_text(program.replace("help-pages/de-en", card))
    assert len((file + program).splitlines()) <= 20
    words = asked.replace("--system me5-small-q4 ", "").replace("help-pages/de-en", card).split()
    ended = lapca(*words)
    assert ended.code == 0, ended.err
    (table,) = (workshop / "lapca-results" / "tables").glob("*.json")
    assert {row["system"] for row in json.loads(table.read_text())["rows"]} == {"Mine", "bm25s"}
    done = subprocess.run(
        [sys.executable, "program.py"], capture_output=True, text=True, cwd=workshop, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    assert "words" in done.stdout


class Slow:
    """An encoder that takes its time, for tests that interrupt it."""

    SOURCE = """\
import pathlib, time
import numpy as np

class Slow:
    def encode(self, texts):
        if len(texts) > 6:
            (pathlib.Path(__file__).parent / "started").touch()
            while not (pathlib.Path(__file__).parent / "go").exists():
                time.sleep(0.02)
        return np.array([[len(t), t.count("e") + 1.0] for t in texts], dtype=np.float32)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_and_taken_up_again(workshop, how):
    card = write_collection(workshop / "data")
    encoder = write_encoder(workshop / "quick")
    (workshop / "slow").mkdir()
    (workshop / "slow" / "slow.py").write_text(Slow.SOURCE)
    slow = f"{workshop / 'slow' / 'slow.py'}:Slow"
    words = ("run", "-e", encoder, "-e", slow, "-c", str(card), "-o", str(workshop / "results"), "--quiet")
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 200
        while not (workshop / "slow" / "started").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        assert (workshop / "slow" / "started").exists()
        process.send_signal(how)
        out, err = process.communicate(timeout=200)
    if how is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + how
        assert err.strip().splitlines()[-1].startswith("interrupted; finished work is kept")
        assert "Traceback" not in err
    assert "encoded 70 texts" in out or how is signal.SIGKILL
    assert len(list((workshop / "results").rglob("result.json"))) == 1

    (workshop / "slow" / "go").touch()
    texts = calls(workshop / "quick")
    again = in_own_process(*words, cache=workshop / "cache", folder=workshop)
    assert again.code == 0, again.err
    assert "encoded 0 texts, reused" in again.out
    assert calls(workshop / "quick") - texts <= 6
    assert len(list((workshop / "results").rglob("result.json"))) == 2
    assert not list((workshop / "results").rglob("*.tmp"))
