"""Bad input ends in one clear message and the right exit code: never a traceback, nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from toys.cli import Ended, in_process, write_collection, write_encoder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_collection(tmp_path / "data")
    write_encoder(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capsys, here):
    """Run a command that must fail; returns its message after checking what every failure has in common."""

    def run(*words: str, code: int) -> str:
        ended: Ended = in_process(*words, capture=capsys)
        assert ended.code == code, ended
        assert "Traceback" not in ended.out + ended.err
        assert not list(here.rglob("*.tmp"))
        return ended.err if code == 2 or not ended.out else ended.out + ended.err

    return run


def test_unknown_names_come_with_the_nearest(refused):
    assert "did you mean bm25" in refused("run", "-s", "bm52", "-c", "data/card.toml", code=2)
    assert "did you mean help-pages/de-en" in refused("run", "-s", "bm25", "-c", "help-pages/de-eng", code=2)
    assert "nDCG@10" in refused("run", "-s", "bm25", "-c", "data/card.toml", "-m", "nDGC@10", code=2)
    assert "did you mean test" in refused("run", "-s", "bm25", "-c", "data/card.toml", "--split", "tset", code=2)
    assert "unknown experiment" in refused("run", "-x", "dmeo", code=2)
    assert "did you mean me5-small-q4" in refused("fetch", "me5-small-q", code=2)
    assert "unknown system" in refused("systems", "info", "nothing-like-it", code=2)
    assert "unknown collection" in refused("collections", "info", "help-pages/xx-yy", code=2)


def test_a_shared_store_that_cannot_be(refused, monkeypatch):
    run = ("run", "-e", "mine.py:Grams", "-c", "data/card.toml")
    assert "file:///folder" in refused(*run, "--shared", "relative", code=2)
    assert "s3://bucket/folder" in refused(*run, "--shared", "nope://bucket/x", code=2)
    monkeypatch.setenv("LAPCA_BENCH_SHARED", "file:///no/such/folder")
    assert "/no/such/folder: no folder of a shared store here" in refused(*run, code=1)


@pytest.mark.parametrize("name", ["mine.py", "mine:Grams", "elsewhere/mine.py:"])
def test_an_encoder_named_in_another_way(refused, name):
    assert "write file.py:Class" in refused("run", "-e", name, "-c", "data/card.toml", code=2)


def test_a_system_card_with_a_mistake_is_told_before_anything_runs(refused):
    Path("mine.toml").write_text('name = "mine"\nkind = dense\n')
    found = refused("run", "-e", "mine.py:Grams", "-s", "mine.toml", "-c", "data/card.toml", "-o", "out", code=2)
    assert "mine.toml:2: not TOML" in found
    Path("mine.toml").write_text('name = "mine"\ntitle = "Mine"\nkind = 3\n')
    assert "mine.toml:3: [kind]" in refused("run", "-s", "mine.toml", "-c", "data/card.toml", code=2)
    assert not Path("out").exists()


def test_nothing_asked(refused):
    assert "systems" in refused("run", "-c", "data/card.toml", code=2)
    assert "collections" in refused("run", "-s", "bm25", code=2)
    Path("x.run").write_text(RUN)
    assert "nothing to score against" in refused("score", "x.run", code=2)


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("systems = [", 1, "", "not TOML"),
        ('systems = ["bm25"]\ncollections = ["a"]\ndepht = 3\n', 3, "depht", "unknown key"),
        ('systems = ["bm25"]\n', None, "collections", "missing"),
        ('collections = ["a"]\nsystems = "bm25"\n', 2, "systems", "tuple"),
        ('systems = ["bm25", "bm25"]\ncollections = ["a"]\n', 1, "systems", "named twice"),
        ('systems = ["bm25"]\ncollections = ["a"]\n\ndepth = 0\n', 4, "depth", "greater than or equal to 1"),
        ('systems = ["bm25"]\ncollections = [""]\n', 2, "collections.0", "at least 1 character"),
    ],
)
def test_experiment_files(refused, text, line, key, message):
    Path("bad.toml").write_text(text)
    found = refused("run", "-x", "bad.toml", code=2)
    place = f"bad.toml:{line}: " if line else "bad.toml: "
    assert place in found
    assert key in found
    assert message in found


def test_experiment_file_that_is_not_text_or_not_there(refused):
    Path("bad.toml").write_bytes(b'systems = ["bm25"]\ntitle = "\xff"\n')
    assert "bad.toml:2: not UTF-8" in refused("run", "-x", "bad.toml", code=2)
    assert "cannot read" in refused("run", "-x", "absent.toml", code=2)


RUN = "q1 Q0 d1 1 0.5 t\nq1 Q0 d2 2 0.4 t\n"
QRELS = "q1 0 d1 1\n"


@pytest.mark.parametrize(
    ("run", "qrels", "message"),
    [
        (RUN + "q1 Q0 d3 3 nan t\n", QRELS, "x.run:3: score 'nan'"),
        (RUN + "q1 Q0 d3 3 inf t\n", QRELS, "x.run:3: score 'inf'"),
        (RUN + "q1 Q0 d3 3 1e40 t\n", QRELS, "x.run:3: score '1e40'"),
        (RUN + "q1 Q0 d1 3 0.1 t\n", QRELS, "x.run:3: query 'q1' holds document 'd1' twice"),
        (RUN + "q1 Q0 d3\n", QRELS, "x.run:3: 3 fields"),
        (RUN, "q1 0 d1 yes\n", "x.qrels:1: the grade 'yes'"),
        (RUN, "q1 0 d1 1\nq1 0 d1 2\n", "x.qrels:2: query 'q1' judges document 'd1'"),
        (RUN, "other 0 d1 1\n", "no query of run 't' is judged"),
        (RUN, "", "is judged"),
    ],
)
def test_runs_and_judgements(refused, run, qrels, message):
    Path("x.run").write_text(run)
    Path("x.qrels").write_text(qrels)
    assert message in refused("score", "x.run", "x.qrels", code=1)


def test_files_that_are_no_text_or_not_there(refused):
    Path("x.run").write_bytes(RUN.encode() + b"q1 Q0 \xff\xfe 3 0.1 t\n")
    Path("x.qrels").write_text(QRELS)
    assert "x.run:3" in refused("score", "x.run", "x.qrels", code=1)
    assert "absent.run" in refused("score", "absent.run", "x.qrels", code=1)


def test_a_run_of_another_collection(refused):
    Path("x.run").write_text("de-0 Q0 nowhere 1 0.5 t\n")
    assert "documents that the collection does not have" in refused(
        "score", "x.run", "--collection", "data/card.toml", code=1
    )
    Path("x.run").write_text("stranger Q0 d01 1 0.5 t\n")
    assert "queries that the collection does not have" in refused(
        "score", "x.run", "--collection", "data/card.toml", code=1
    )


def test_collections_with_bad_ids(refused, here):
    corpus = here / "data" / "corpus.jsonl"
    lines = corpus.read_text().splitlines()
    for line, message in ((lines[0], "d00"), (json.dumps({"id": "", "text": "x"}), "id"), ("{", "corpus.jsonl:41")):
        corpus.write_text("\n".join([*lines, line]) + "\n")
        found = refused("run", "-e", "mine.py:Grams", "-c", "data/card.toml", "-o", "out", code=1)
        assert "FAILED" in found
        assert message in found
    assert not list(here.rglob("result.json"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return np.ones((len(texts) + 1, 3))", "shape"),
        ("return np.ones(3)", "shape"),
        ("return np.full((len(texts), 3), np.nan)", "NaN"),
        ("return None", "encoder 'Odd'"),
        ("raise RuntimeError('out of luck')", "out of luck"),
    ],
)
def test_encoders_that_return_something_unusable(refused, body, message):
    Path("odd.py").write_text(f"import numpy as np\nclass Odd:\n    def encode(self, texts):\n        {body}\n")
    found = refused("run", "-e", "odd.py:Odd", "-c", "data/card.toml", "-o", "out", code=1)
    assert "FAILED" in found
    assert message in found
    assert {path.name for path in Path("out").rglob("*")} <= {"lapca-bench.log"}


def test_encoder_files_that_are_not_there_or_do_not_load(refused):
    assert "no such file" in refused("run", "-e", "absent.py:X", "-c", "data/card.toml", code=2)
    Path("bad.py").write_text("def broken(:\n")
    assert "bad.py:1: not Python" in refused("run", "-e", "bad.py:X", "-c", "data/card.toml", code=1)
    Path("good.py").write_text("class Here:\n    encode = len\n")
    assert "did you mean Here" in refused("run", "-e", "good.py:Hare", "-c", "data/card.toml", code=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(refused, here):
    (here / "locked").mkdir(mode=0o500)
    assert "cannot write" in refused("run", "-e", "mine.py:Grams", "-c", "data/card.toml", "-o", "locked/out", code=1)


def test_a_cache_that_is_a_file(refused, here, monkeypatch):
    (here / "file").write_text("")
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(here / "file"))
    found = refused("run", "-e", "mine.py:Grams", "-c", "data/card.toml", "-o", "out", code=1)
    assert "FAILED" in found
    assert "fix:" in found
    assert "broken" in refused("doctor", code=1)


def test_disk_full(refused, here, monkeypatch):
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lapca_bench.atomic._sync_file", full)
    found = refused("run", "-e", "mine.py:Grams", "-c", "data/card.toml", "-o", "out", code=1)
    assert "the disk is full" in found


def test_tables_that_cannot_be_made(refused, here, capsys):
    assert "no result on data/card.toml" in refused("table", "-c", "data/card.toml", code=2)
    in_process("run", "-e", "mine.py:Grams", "-c", "data/card.toml", "-o", "out", capture=capsys)
    base = ("table", "-c", "files/toy", "--results", "out")
    assert "unknown system" in refused(*base, "-s", "Gramms", code=2)
    assert "not scored by AP" in refused(*base, "-m", "AP", code=2)
    assert "no table format" in refused(*base, "--out", "table.pdf", code=2)
    exported = refused("export", "-c", "files/toy", "--results", "out", "--out", "trec", code=2)
    assert "give the path of its card" in exported
    assert not Path("trec").exists()


def test_usage_errors_are_the_parsers_own(refused):
    assert "No such option" in refused("run", "--sistem", "bm25", code=2)
    assert "No such command" in refused("rum", code=2)
    assert "Invalid value" in refused("run", "-s", "bm25", "-c", "data/card.toml", "--depth", "0", code=2)
