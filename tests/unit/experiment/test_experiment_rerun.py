"""Full runs of kept results: whole, beside the kept ones, and told apart where they come out otherwise."""

from dataclasses import dataclass, field

import pytest
from toys.cli import write_collection

from lapca_bench.collections import registry
from lapca_bench.errors import UsageError
from lapca_bench.experiment.plan import Cell
from lapca_bench.experiment.rerun import cut_results, rerun
from lapca_bench.experiment.runner import Request, Runner
from lapca_bench.run import Run
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import ResultStore


@dataclass
class Shifted:
    """Ranks the documents by their ids, beginning with another one for every query."""

    settings: dict = field(default_factory=dict)
    start: int = 0
    name: str = "shifted"

    @property
    def identity(self):
        return SystemIdentity("toy", self.settings)

    def search(self, collection, queries, k):
        ids = [document.id for document in collection.documents()]
        ranked = {
            query.id: {ids[(self.start + row + place) % len(ids)]: 1.0 - place / 100 for place in range(k)}
            for row, query in enumerate(queries)
        }
        return Run.from_dict(self.name, ranked)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The kept result of `Shifted`, 3 of 20 documents deep."""
    card = str(write_collection(tmp_path / "data"))
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda _, split=None: load(card, split))
    runner = Runner(lambda *_: Shifted(), ResultStore(tmp_path / "full"), Request(depth=20, measures=("RR@3", "R@20")))
    (outcome,) = runner.run([Cell("shifted", card)])
    keep([outcome.result], tmp_path / "kept", 3)
    return outcome.result, list(stored_results(tmp_path / "kept"))


def test_the_full_run_is_made_again_and_is_as_kept(kept, tmp_path):
    full, few = kept
    (one,) = rerun(cut_results(few), ResultStore(tmp_path / "again"), lambda *_: Shifted())
    assert one.difference == ""
    again = one.outcome.result
    assert again.key == full.key
    assert list(again.run.rows()) == list(full.run.rows())
    assert "kept" not in again.provenance


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        (Shifted(settings={"a": 1}), "its key is another"),
        (Shifted(start=1), "scores differ"),
    ],
)
def test_what_comes_out_otherwise_is_said(kept, tmp_path, system, reason):
    (one,) = rerun(kept[1], ResultStore(tmp_path / "again"), lambda *_: system)
    assert reason in one.difference


def test_a_kept_result_is_reused_but_not_scored_again(kept, tmp_path):
    def states(*measures):
        runner = Runner(lambda *_: Shifted(), ResultStore(tmp_path / "kept"), Request(depth=20, measures=measures))
        return [outcome.state for outcome in runner.run([Cell("shifted", "the card")])]

    assert states("RR@3") == ["reused"]
    assert states("RR@2") == ["new"]
    assert len(list((tmp_path / "kept").rglob("run-*.parquet"))) == 1


def test_a_folder_that_holds_it_cut_is_no_place_for_the_full_run(kept, tmp_path):
    (one,) = rerun(kept[1], ResultStore(tmp_path / "kept"), lambda *_: Shifted())
    assert "name another folder" in one.difference


def test_a_system_that_cannot_be_made_is_said(kept, tmp_path):
    def nothing(*_):
        raise UsageError("no such system")

    (one,) = rerun(kept[1], ResultStore(tmp_path / "again"), nothing)
    assert "no such system" in one.difference


def test_only_results_that_were_cut_are_made_again(kept):
    full, few = kept
    assert cut_results([full, *few]) == few
    assert cut_results(few, ["shifted"], [few[0].collection]) == few
    for wanted in ({"systems": ["other"]}, {"names": []}):
        with pytest.raises(UsageError, match="no kept result"):
            cut_results([full] if "names" in wanted else few, **wanted)
