"""Tuning: BM25 over a grid, a fusion by ranx, and the card that comes out."""

import numpy as np
import pytest
from toys.search import ToyCollection, documents, queries

from lapca_bench.errors import MissingResourceError, UsageError
from lapca_bench.experiment.tuning import tune
from lapca_bench.run import Qrels, Run
from lapca_bench.search import registry
from lapca_bench.search.drafts.card_file import card_text
from lapca_bench.search.fusion import FusionSettings
from lapca_bench.search.kinds import read_card
from lapca_bench.search.lexical.java import find_jar, find_java
from lapca_bench.search.ranx_fusion import best_parameters, fuse
from lapca_bench.search.registry import Workspace
from lapca_bench.types import Query


class Judged(ToyCollection):
    def __init__(self, corpus, asked, judgements):
        super().__init__(corpus, asked)
        self._judgements = judgements

    def relevance(self):
        return Qrels(self._judgements)


def lucene():
    try:
        find_java()
        find_jar()
    except MissingResourceError as error:
        pytest.skip(str(error))


def test_bm25_is_tuned_over_a_grid_and_its_card_read_back(tmp_path):
    lucene()
    # The relevant document is the longer one: only without length normalisation does it come first.
    corpus = documents("dog dog dog " + "word " * 30, "dog dog cat", "bird")
    collection = Judged(corpus, queries("dog"), {"q0": {"d0": 1}})
    card = registry.find_card("bm25")
    found = tune(card, collection, workspace=Workspace(tmp_path), grid=((0.9,), (1.0, 0.5, 0.0)))
    assert [trial.settings["b"] for trial in found.trials] == [1.0, 0.5, 0.0]
    assert (found.best.settings, found.best.mean) == ({"k1": 0.9, "b": 0.0}, 1.0)
    assert found.trials[0].mean < 1
    (tmp_path / "tuned.toml").write_text(card_text(found.card), encoding="utf-8")
    read = read_card(tmp_path / "tuned.toml")
    assert read == found.card
    assert (read.name, read.bm25.b, read.trained_on) == ("bm25-tuned", 0.0, ["toy"])
    assert "toy/toy, split test, by nDCG@10: 1.0000" in read.note


def test_every_card_can_be_written_and_read_back(tmp_path):
    for card in registry.cards().values():
        (tmp_path / "card.toml").write_text(card_text(card), encoding="utf-8")
        assert read_card(tmp_path / "card.toml") == card


def test_a_dense_system_has_nothing_to_tune():
    with pytest.raises(UsageError, match="nothing to tune"):
        tune(registry.find_card("me5-small"), ToyCollection([]))


RUNS = [
    Run.from_dict("a", {"q0": {"x": 9.0, "y": 5.0, "z": 1.0}, "q1": {"x": 1.0, "y": 1.0}, "q2": {}, "q3": {}}),
    Run.from_dict("b", {"q0": {"y": 2.0, "z": 1.0, "w": 0.0}, "q1": {}, "q2": {"x": 3.0, "y": 2.0}, "q3": {}}),
]


class Replaying:
    """A system that gives a run made beforehand."""

    def __init__(self, run):
        self.run = run

    def search(self, collection, queries, k):
        return self.run.cut(k)


def test_a_hybrids_alpha_is_tuned_as_a_whole_and_for_each_language(tmp_path, monkeypatch):
    """System a is right in one language, b in two: for all α is small, and every language gets the best of its own."""
    runs = {
        "a": Run.from_dict("a", {f"q{n}": {"right" if n == 0 else "wrong": 2.0, "third": 1.0} for n in range(3)}),
        "b": Run.from_dict("b", {f"q{n}": {"wrong" if n == 0 else "right": 2.0, "third": 1.0} for n in range(3)}),
    }
    monkeypatch.setattr("lapca_bench.experiment.tuning.build_system", lambda name, *_: Replaying(runs[name]))
    asked = [Query("q0", "x", "de"), Query("q1", "x", "fi"), Query("q2", "x", "hi")]
    collection = Judged(documents("x"), asked, {f"q{n}": {"right": 1} for n in range(3)})
    fusion = FusionSettings(systems=["a", "b"], method="interpolation")
    card = registry.find_card("bm25+me5-small-q4").model_copy(update={"fusion": fusion})
    found = tune(card, collection, workspace=Workspace(tmp_path))
    assert [trial.settings["weights"][0] for trial in found.trials[:-1]] == [step / 20 for step in range(21)]
    alone = max(trial.mean for trial in found.trials[:-1])
    assert alone < found.best.mean == 1.0
    assert found.best.settings["languages"]["de"][0] > 0.5
    assert found.best.settings["languages"]["fi"] == found.best.settings["languages"]["hi"] == [0.0, 1.0]
    (tmp_path / "tuned.toml").write_text(card_text(found.card), encoding="utf-8")
    assert read_card(tmp_path / "tuned.toml") == found.card
    three = card.model_copy(update={"fusion": FusionSettings(systems=["a", "b", "a"])})
    with pytest.raises(UsageError, match="no single alpha"):
        tune(three, collection, workspace=Workspace(tmp_path))


def test_ranx_fuses_into_the_canonical_order():
    fused = fuse("f", RUNS, "wsum", "min-max", {"weights": [0.25, 0.75]})
    assert fused.queries == ("q0", "q1", "q2", "q3")
    assert dict(fused.ranking("q0")) == pytest.approx({"x": 0.25, "y": 0.125 + 0.75, "z": 0.375, "w": 0.0})
    assert [document for document, _ in fused.ranking("q1")] == ["y", "x"]  # a tie, parted in the canonical order
    assert [document for document, _ in fused.ranking("q2")] == ["x", "y"]
    assert fused.ranking("q3") == []
    assert len(fuse("f", [Run.from_dict("a", {}), Run.from_dict("b", {})], "wsum", "min-max", {})) == 0


def test_ranx_finds_the_weights_of_the_better_system():
    qrels = Qrels({"q0": {"y": 1}, "q2": {"x": 1}, "unasked": {"x": 1}})
    found = best_parameters(RUNS, qrels, "wsum", "min-max", "ndcg@10")
    assert found["weights"][1] > 0
    with pytest.raises(UsageError, match="none of these queries"):
        best_parameters(RUNS, Qrels({}), "wsum", "min-max", "ndcg@10")


def test_wrong_parameters_are_named():
    with pytest.raises(UsageError, match="cannot fuse by wsum"):
        fuse("f", RUNS, "wsum", "min-max", {"no": np.pi})
