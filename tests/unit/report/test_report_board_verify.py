"""Verifying boards: an honest result passes, and every way of not being honest is told apart."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from toys import board_results as made
from toys.submissions import Toy, honest, with_provenance

from lapca_bench.collections import registry
from lapca_bench.errors import MissingResourceError
from lapca_bench.experiment.rescoring import means_of, score_run
from lapca_bench.report.board.verify import contradiction, verify
from lapca_bench.report.published.output import measured
from lapca_bench.run import Run
from lapca_bench.sealed import seal_folder
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import QUESTIONS, stored_results
from lapca_bench.store.provenance import Provenance


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
    assert found.reason == "8 values"


def test_a_score_that_the_run_does_not_give_differs(states):
    result = honest()
    frame = result.scores.copy()
    frame.loc[2, "value"] = 0.999
    found = states(replace(result, scores=frame))
    assert (found.state, found.failed) == ("differs", True)
    assert "1 of 8 values" in found.reason
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
    rows = list(means_of(deep.frame, deep.measures, deep.languages))
    result = kept(replace(whole, scores=deep.frame, aggregates=rows), 1)
    found = states(result)
    assert (found.state, found.unseen) == ("verified", ("nDCG@10",))
    assert "4 values; not nDCG@10" in found.reason
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


def changed_mean(result, language, **changes):
    rows = [{**row, **(changes if row["language"] == language else {})} for row in result.aggregates]
    return replace(result, aggregates=rows)


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (lambda r: changed_mean(r, "", mean=0.99), "mean of RR@10 for all languages is not that of its values"),
        (lambda r: changed_mean(r, "*", mean=0.99), "mean of RR@10 for all queries is not"),
        (lambda r: changed_mean(r, "fr", mean=None), "is not that of its values"),
        (lambda r: changed_mean(r, "de", queries=400), "counts 400 queries, its scores 3"),
        (lambda r: replace(r, aggregates=r.aggregates[:-1]), "states no mean of nDCG@10 for all queries"),
        (lambda r: replace(r, aggregates=[*r.aggregates, r.aggregates[0]]), "states the mean of RR@10 for de twice"),
        (lambda r: replace(r, aggregates=[*r.aggregates, {**r.aggregates[0], "language": "es"}]), "means for es"),
        (lambda r: replace(r, aggregates=[*r.aggregates, {**r.aggregates[0], "measure": "AP"}]), "mean of AP"),
        (lambda r: replace(r, languages=["de", "fr", "es"]), "languages are not"),
        (lambda r: replace(r, languages=["de"]), "languages are not"),
        (lambda r: replace(r, scores=pd.concat([r.scores, *[r.scores.iloc[:1]] * 50])), "twice for RR@10"),
        (lambda r: replace(r, system_digest="0" * 64), "digest is not that of the settings"),
        (lambda r: replace(r, kind="bm25"), "it says 'bm25'"),
        (lambda r: replace(r, key="f" * 64), "its key is"),
        (lambda r: with_provenance(r, depth=50), "its key is"),
        (lambda r: with_provenance(r, left_out={"missing": 1}), "left_out.missing = 1, and scoring finds 0"),
        (lambda r: with_provenance(r, ties={"results": 7}), "ties.results = 7"),
    ],
)  # fmt: skip
def test_every_fact_that_can_be_recomputed_is(states, forge, reason):
    found = states(forge(honest()))
    assert (found.state, found.failed) == ("differs", True)
    assert reason in found.reason


def test_the_results_of_this_repository_bear_out_what_they_say():
    found = {contradiction(result) for result in measured([Path(__file__).parents[3] / "leaderboards" / "results"])}
    assert found == {""}
