"""The verbs of training: what they will cost comes first and writes nothing, and a log lies beside what they write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.cli import in_process
from toys.training import WORDS, write_start, write_toy_pairs

RECIPE = """\
name = "toy"
[encoder]
type = "transformer"
checkpoint = "{start}"
pooling = "mean"
[pairs]
held_out = 8
[views]
sentence = 0.0
monolingual = 0.0
[objective]
same_page = 0
mlm = 0.1
[optimisation]
steps = 4
batch = 8
chunk = 8
query_length = 16
passage_length = 16
[questions]
epochs = 0
held_out = 0
rounds = 1
[evaluation]
every = 2
save_every = 2
"""


@pytest.fixture
def lapca(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_start(Path("start"))
    write_toy_pairs(Path("pairs.parquet"))
    Path("toy.toml").write_text(RECIPE.format(start="./start"))

    def run(*words):
        ended = in_process(*words, capture=capsys)
        assert ended.code == 0, ended.err
        return ended

    return run


@pytest.mark.parametrize(
    "verb", [("pretrain", "--pairs", "x"), ("finetune", "--questions", "x"), ("mine", "--corpus", "x")]
)
def test_a_bad_recipe_leaves_nothing_behind(verb, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("[encoders]\nx = 1\n")
    ended = in_process(*verb, "--recipe", "bad.toml", "--out", "model/x", capture=capsys)
    assert ended.code == 2
    assert "bad.toml:1: [encoders] unknown key" in ended.err
    assert not Path("model").exists()


def test_pretraining(lapca):
    words = ("pretrain", "--recipe", "toy.toml", "--pairs", "pairs.parquet", "--out", "model")
    said = lapca(*words, "--dry-run").out
    assert "120 pairs; steps 1 to 4: 4 left, 64 texts; up to 3 checkpoints of" in said
    assert "tokens and" in said
    assert "s a step" in said
    assert not Path("model").exists()
    ended = lapca(*words, "--verbose")
    assert "step 3: loss" in ended.err
    assert "step 2: held-out accuracy" in ended.err
    log = Path("model/lapca-bench.log").read_text()
    assert "saved as model/step-0000004" in log
    assert "step 3: loss" in log
    assert "0 left, 0 texts" in lapca(*words, "--dry-run").out


def test_fine_tuning(lapca):
    questions = [
        {
            "query_id": str(i),
            "query": f"aa{i}",
            "positive_passages": [{"docid": str(i), "title": "", "text": f"bb{i}"}],
            "negative_passages": [{"docid": f"n{i}", "title": "", "text": f"cc{i}"}],
        }
        for i in range(WORDS)
    ]
    Path("tydi.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions))
    words = ("finetune", "--recipe", "toy.toml", "--questions", "tydi.jsonl", "--out", "tuned")
    said = lapca(*words, "--dry-run").out
    assert "40 questions; 2 rounds, 8 steps in all; after each but the last, 80 passages to encode" in said
    assert "s a step" in said
    assert not Path("tuned").exists()


def test_mining(lapca):
    for language, word in (("de", "Katze"), ("en", "cat")):
        Path("parallel/de-en").mkdir(parents=True, exist_ok=True)
        lines = [f"{word} number {i} sat on the mat of the {i}th house by the sea" for i in range(30)]
        Path(f"parallel/de-en/{language}.txt").write_text("\n".join(lines) + "\n")
    words = ("mine", "--corpus", "parallel", "--out", "out/mined.parquet")
    said = lapca(*words, "--method", "lead", "--dry-run").out
    assert "60 blocks and nothing to embed (de 30, en 30)" in said
    missing = lapca(*words, "--method", "margin", "--aligner", "me5-small-q4", "--dry-run").out
    assert "60 blocks to embed with me5-small-q4 (de 30, en 30); how long is not known" in missing
    assert not Path("out").exists()
    assert "mine parallel by lead" in lapca(*words, "--method", "lead", "--verbose").err
    assert "30 pairs" in Path("out/lapca-bench.log").read_text()
    assert not lapca(*words, "--method", "lead", "--quiet").err
