"""Verifying boards: an honest result passes, and every way of not being honest is told apart."""

import json
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa
import pytest
from pyarrow import parquet
from toys import board_results as made

from lapca_bench.collections import registry
from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.errors import MissingResourceError
from lapca_bench.experiment.runner import score_run
from lapca_bench.report.board.verify import verify
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import aggregate
from lapca_bench.sealed import seal_folder
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import QUESTIONS, stored_results
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Result, StoredMean
from lapca_bench.types import Document, Query


@dataclass(frozen=True)
class Toy:
    """Six documents, three queries."""

    version: str = "1"
    files: str = "f"

    @cached_property
    def card(self):
        policy = Policy(measures=("RR@10", "nDCG@10"))
        return CollectionCard("toy/de", "toy", "Toy", self.version, "free", "", "", policy, ("de",), ("de",))

    split = "test"

    @property
    def fingerprint(self):
        return self.files

    def documents(self):
        return (Document(f"d{i}", "text", language="de") for i in range(6))

    def queries(self):
        return [Query(f"q{i}", "question", "de") for i in range(3)]

    def relevance(self):
        return Qrels({f"q{i}": {f"d{i}": 1} for i in range(3)})


def honest():
    run = Run.from_dict("a", {f"q{i}": {f"d{(i + k) % 6}": 1.0 - k / 10 for k in range(3)} for i in range(3)})
    scores = score_run(run, Toy(), ("RR@10", "nDCG@10"))
    means = aggregate(scores)
    base = made.result("a", "toy/de", 0.5)
    rows = [
        StoredMean(measure=m, language=x, mean=mean, queries=found.queries[x])
        for m, found in means.items()
        for x, mean in found.means.items()
    ]
    about = {**base.provenance, "collection": {"version": "1", "fingerprint": "f"}}
    return Result(
        **{
            **{name: getattr(base, name) for name in ("key", "system", "title", "kind", "system_digest", "split")},
            "collection": "toy/de",
            "languages": ["de"],
            "aggregates": rows,
            "provenance": Provenance(about),
            "scores": scores.frame,
            "run": run,
        }
    )


@pytest.fixture
def states(tmp_path, monkeypatch):
    """A function: the verification of one stored result, with this collection on the machine."""

    def run(result, collection=None, tamper=None):
        if isinstance(collection, Exception):
            monkeypatch.setattr(registry, "load", lambda *_: (_ for _ in ()).throw(collection))
        else:
            monkeypatch.setattr(registry, "load", lambda *_: collection or Toy())
        store = made.write(tmp_path / "results", [result])
        if tamper:
            tamper(next((tmp_path / "results").rglob("result.json")).parent)
        (found,) = verify(store.all())
        return found

    return run


def test_an_honest_result_is_verified(states):
    found = states(honest())
    assert (found.state, found.failed) == ("verified", False)
    assert found.reason == "6 values"


def test_a_score_that_the_run_does_not_give_differs(states):
    result = honest()
    frame = result.scores.copy()
    frame.loc[2, "value"] = 0.999
    found = states(replace(result, scores=frame))
    assert (found.state, found.failed) == ("differs", True)
    assert "1 of 6 values" in found.reason
    assert "0.999" in found.reason


def test_a_query_left_out_differs(states):
    result = honest()
    found = states(replace(result, scores=result.scores.iloc[1:]))
    assert found.state == "differs"


def test_a_better_mean_than_the_values_give_differs(states):
    result = honest()
    better = [{**row, "mean": 0.99} for row in result.aggregates]
    found = states(replace(result, aggregates=better))
    assert found.state == "differs"
    assert "mean" in found.reason


def test_a_run_with_documents_that_the_collection_lacks_differs(states):
    result = honest()
    invented = Run.from_dict("a", {f"q{i}": {"d-invented": 1.0} for i in range(3)})
    assert states(replace(result, run=invented)).state == "differs"


def kept(result, number):
    """`result` as `run --keep` stores it: scored whole, its run cut."""
    return replace(result, run=result.run.cut(number), provenance=Provenance({**result.provenance, "kept": number}))


def test_a_run_that_was_kept_in_part_is_verified_as_deep_as_it_goes(states):
    whole = honest()
    deep = score_run(whole.run, Toy(), ("RR@1", "nDCG@10"))
    rows = [
        StoredMean(measure=m, language=x, mean=mean, queries=found.queries[x])
        for m, found in aggregate(deep).items()
        for x, mean in found.means.items()
    ]
    result = kept(replace(whole, scores=deep.frame, aggregates=rows), 1)
    found = states(result)
    assert (found.state, found.unseen) == ("verified", ("nDCG@10",))
    assert "3 values; not nDCG@10" in found.reason
    frame = deep.frame.copy()
    frame.loc[frame["measure"] == "RR@1", "value"] = 0.5
    assert states(replace(result, scores=frame)).state == "differs"
    nothing = states(kept(whole, 1))
    assert (nothing.state, nothing.failed) == ("not verified", False)
    assert "only 1 documents per query are stored" in nothing.reason


def forged(folder, name):
    """A kept file in which something else stands, below a seal that knows nothing of it."""
    path = folder / QUESTIONS
    table = parquet.read_table(path)
    odd = pa.array([[0]] * len(table), table.schema.field("documents").type) if name == "documents" else None
    odd = pa.array([0.25] * len(table)) if odd is None else odd
    parquet.write_table(table.set_column(table.column_names.index(name), name, odd), path)


@pytest.mark.parametrize("name", ["documents", "RR@10"])
def test_a_forged_kept_file_is_found_by_its_digest_and_by_its_values(monkeypatch, tmp_path, name):
    monkeypatch.setattr(registry, "load", lambda *_: Toy())
    full = made.write(tmp_path / "full", [honest()])
    (folder,) = keep(full.all(), tmp_path / "kept")
    assert [one.state for one in verify(stored_results(tmp_path / "kept"))] == ["verified"]
    forged(folder, name)
    assert [one.state for one in verify(stored_results(tmp_path / "kept"))] == ["damaged"]
    seal_folder(folder)
    assert [one.state for one in verify(stored_results(tmp_path / "kept"))] == ["differs"]


def test_of_kept_documents_it_is_said_what_they_do_not_show(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "load", lambda *_: Toy())
    keep(made.write(tmp_path / "full", [honest()]).all(), tmp_path / "kept", 1)
    (found,) = verify(stored_results(tmp_path / "kept"))
    assert (found.state, found.failed) == ("not verified", False)
    assert found.reason == "only 1 documents per query are stored, fewer than RR@10, nDCG@10 look at; the means hold"


def test_changed_files_are_damaged(states):
    def change(folder):
        path = next(folder.glob("run-*.parquet"))
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    found = states(honest(), tamper=change)
    assert (found.state, found.failed) == ("damaged", True)


def test_another_version_or_other_files_are_not_verified(states):
    found = states(honest(), Toy(version="2"))
    assert (found.state, found.failed) == ("not verified", False)
    assert "version 1, here is 2" in found.reason
    assert states(honest(), Toy(files="g")).state == "not verified"


def test_an_absent_collection_is_not_verified(states):
    found = states(honest(), MissingResourceError("passages: not on this machine"))
    assert (found.state, found.reason) == ("not verified", "passages: not on this machine")


def test_manifest_says_what_was_stored(tmp_path):
    made.write(tmp_path, [honest()])
    manifest = json.loads(next(tmp_path.rglob("result.json")).read_text())
    assert set(manifest["files"]) == {"run.parquet", "scores.parquet"}
