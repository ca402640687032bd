"""`bitext`: the figures of both sides' vectors, against runs and scores of the same system and against BUCC by hand."""

import json

import numpy as np
import pytest
from toys.cli import in_process

from lapca_bench.collections import registry
from lapca_bench.encoders.adapt import adapt
from lapca_bench.experiment.bitext import Mined, score_bitext
from lapca_bench.experiment.rescoring import score_run
from lapca_bench.search.dense import DenseSystem, MarginSystem
from lapca_bench.store.vectors import VectorStore


class Numbered:
    """A text's last word is its meaning: a fixed random direction, with noise by the whole text."""

    noise = 0.9

    def encode(self, texts):
        return np.array([self._one(text) for text in texts], dtype=np.float32)

    def _one(self, text):
        seed = sum(map(ord, text.split()[-1]))
        meaning = np.random.default_rng(seed).normal(size=16)
        return meaning + self.noise * np.random.default_rng([seed, *map(ord, text)]).normal(size=16)


@pytest.fixture
def tatoeba(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "tatoeba"
    folder.mkdir(parents=True)
    for side in ("ang", "eng"):
        (folder / f"tatoeba.ang-eng.{side}").write_text("".join(f"{side} {'x' * i}\n" for i in range(1, 135)))
    return tmp_path


def scored(system, collection, measure):
    run = system.search(collection, collection.queries(), 10)
    return score_run(run, collection, [measure]).values(measure).mean()


def test_aligned_sides_agree_with_runs_of_the_same_vectors(tatoeba):
    store = VectorStore(tatoeba / "vectors")
    encoder = adapt(Numbered())
    found = score_bitext(encoder, store, lambda split: registry.load("tatoeba/ang-eng", split))["ang-eng"]
    dense = DenseSystem(encoder, store)
    forward, backward = registry.load("tatoeba/ang-eng"), registry.load("tatoeba/eng-ang")
    assert found.pairs == 134
    assert 0.2 < found.accuracy < 1.0
    assert found.accuracy == pytest.approx(scored(dense, forward, "Accuracy"), abs=1e-12)
    assert found.reverse_accuracy == pytest.approx(scored(dense, backward, "Accuracy"), abs=1e-12)
    assert found.f1 == pytest.approx(scored(dense, forward, "F1"), abs=1e-12)
    assert found.xsim_error == pytest.approx(1 - scored(MarginSystem(dense), forward, "Accuracy"), abs=1e-12)
    assert found.reverse_xsim_error == pytest.approx(1 - scored(MarginSystem(dense), backward, "Accuracy"), abs=1e-12)


def bucc(folder, split, pairs, alone):
    """`pairs` translated sentences and `alone` others on each side, the English ones in reverse."""
    folder.mkdir(parents=True, exist_ok=True)
    for language, extra in (("de", 500), ("en", 700)):
        words = [*range(pairs), *range(extra, extra + alone)]
        rows = [f"{language}-{i:06d}\t{language} {'x' * (word + 1)}\n" for i, word in enumerate(words)]
        (folder / f"de-en.{split}.{language}").write_text("".join(rows if language == "de" else rows[::-1]))
    gold = "".join(f"de-{i:06d}\ten-{i:06d}\n" for i in range(pairs))
    (folder / f"de-en.{split}.gold").write_text(gold)


def test_bucc_is_tuned_on_train_and_scored_on_test(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "bucc2018" / "de-en"
    bucc(folder, "training", 20, 10)
    clear = Numbered()
    clear.noise = 0.01

    def score(encoder):
        store = VectorStore(tmp_path / "v")
        return score_bitext(adapt(encoder), store, lambda split: registry.load("bucc/de-en", split))["de-en"]

    tuned = score(clear)
    assert isinstance(tuned, Mined)
    assert (tuned.split, tuned.gold, tuned.quality.f1) == ("train", 20, 1.0)
    bucc(folder, "test", 30, 5)
    (folder / "de-en.test.gold").write_text("".join(f"de-{i:06d}\ten-{i:06d}\n" for i in range(15)))
    tested = score(clear)
    assert (tested.split, tested.tuned_on, tested.gold) == ("test", "train", 15)
    assert tested.threshold == tuned.threshold
    assert tested.quality.recall == pytest.approx(1.0, abs=0.1)
    assert tested.quality.precision == pytest.approx(0.5, abs=0.05)  # thirty pairs are there, fifteen are gold


def test_the_verb_prints_percent_and_json(tatoeba, capsys):
    mine = tatoeba / "mine.py"
    mine.write_text(
        "import numpy as np\nclass Same:\n    def encode(self, texts):\n"
        "        return np.array([np.eye(256)[len(t.split()[-1])] for t in texts], dtype=np.float32)\n"
    )
    asked = ("bitext", "-s", f"{mine}:Same", "-c", "tatoeba/ang-eng", "-c", "tatoeba/eng-ang")
    done = in_process(*asked, capture=capsys)
    assert done.code == 0, done.err
    assert done.out.splitlines()[1].split() == ["tatoeba/ang-eng", "134", "100.00", "100.00", "100.00", "0.00", "0.00"]
    assert done.out.splitlines()[3].startswith("mean of 2")
    found = json.loads(in_process(*asked, "--json", capture=capsys).out)
    assert found["tatoeba/eng-ang"]["xsim_error"] == 0.0


def test_a_system_without_vectors_and_a_collection_without_pairs_are_refused(tatoeba, capsys):
    done = in_process("bitext", "-s", "bm25s", "-c", "tatoeba/ang-eng", capture=capsys)
    assert done.code == 2
    assert "bm25s has no vectors" in done.err
