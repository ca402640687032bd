"""Submissions: packed results come back whole, and what does not hold is not packed or merged."""

import json
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from test_report_board_verify import Toy, honest
from toys import board_results as made

from lapca_bench.collections import registry
from lapca_bench.errors import InputError, unknown_name
from lapca_bench.report import submission
from lapca_bench.search.own_builder import OwnBuilderCard
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import ResultStore

CARD = OwnBuilderCard(
    name="a",
    title="A",
    kind="dense",
    licence="MIT",
    citation="A et al.",
    url="https://example.org",
    languages=["de"],
    builder="module:function",
)


def card_of(name):
    if name != "a":
        raise unknown_name("system", name, ["a"])
    return CARD


@pytest.fixture(autouse=True)
def _toy(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda *_: Toy())


@pytest.fixture
def stored(tmp_path):
    def write(result):
        return list(made.write(tmp_path / "results", [result]).all())

    return write


def failed(checks):
    return [one.what for one in checks if not one.ok]


def test_an_honest_submission_is_packed_and_merged(stored, tmp_path):
    results = stored(honest())
    assert failed(submission.check(results, card_of)) == []
    submission.pack(results, tmp_path / "s.parquet", card_of)
    assert failed(submission.merge(tmp_path / "s.parquet", tmp_path / "merged")) == []
    assert list(ResultStore(tmp_path / "merged").all()) == []  # only the compact form goes into a repository
    (merged,) = stored_results(tmp_path / "merged")
    (original,) = results
    assert merged.key == original.key
    assert [row[:2] for row in merged.run.rows()] == [row[:2] for row in original.run.rows()]
    assert merged.scores.equals(original.scores)
    assert merged.aggregates == original.aggregates
    submission.merge(tmp_path / "s.parquet", tmp_path / "merged")
    assert len(list(stored_results(tmp_path / "merged"))) == 1


def test_a_submission_carries_the_full_run(stored, tmp_path):
    results = stored(honest())
    submission.pack(results, tmp_path / "s.parquet", card_of)
    (packed,) = submission.read(tmp_path / "s.parquet").results
    assert list(packed.run.rows()) == list(results[0].run.rows())


def test_a_kept_result_is_not_submitted_again(stored, tmp_path):
    keep(stored(honest()), tmp_path / "kept", 1)
    with pytest.raises(InputError, match="no result"):
        submission.results_in(tmp_path / "kept")
    assert failed(submission.check(list(stored_results(tmp_path / "kept")), card_of)) == [
        "a on toy/de (test): run scored again"
    ]


def test_a_query_without_documents_stays_in_the_run(stored, tmp_path):
    from lapca_bench.run import Run

    result = honest()
    run = Run.from_dict("a", {"q0": {"d0": 1.0}, "q1": {}, "q2": {}})
    results = stored(replace(result, run=run))
    submission.pack(results, tmp_path / "s.parquet", card_of)
    (back,) = submission.read(tmp_path / "s.parquet").results
    assert back.run.queries == ("q0", "q1", "q2")


def test_a_dishonest_score_is_neither_accepted_nor_merged(tmp_path):
    odd = honest()
    odd = replace(odd, scores=odd.scores.assign(value=0.123), aggregates=[{**a, "mean": 0.123} for a in odd.aggregates])
    results = list(made.write(tmp_path / "odd", [odd]).all())
    assert failed(submission.check(results, card_of)) == ["a on toy/de (test): run scored again"]
    submission.pack(results, tmp_path / "s.parquet", card_of)
    assert failed(submission.merge(tmp_path / "s.parquet", tmp_path / "merged")) == [
        "a on toy/de (test): run scored again"
    ]
    assert not (tmp_path / "merged").exists()


def test_an_unknown_or_incomplete_card_fails(stored):
    results = stored(honest())

    def nobody(name):
        raise unknown_name("system", name, ["b"])

    assert failed(submission.check(results, nobody)) == ["a: card"]
    assert failed(submission.check(results, lambda _: CARD.model_copy(update={"citation": ""}))) == ["a: card"]


def test_provenance_must_be_there(stored):
    result = honest()
    about = {key: value for key, value in result.provenance.items() if key != "commit"}
    assert failed(submission.check(stored(replace(result, provenance=Provenance(about))), card_of)) == [
        "a on toy/de (test): provenance"
    ]


def test_folders_and_files_that_hold_nothing_are_refused(stored, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no result"):
        submission.results_in(tmp_path / "empty")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a submission"):
        submission.read(tmp_path / "x.parquet")
    results = stored(honest())
    pq.write_table(pq.read_table(results[0].path("run.parquet")), tmp_path / "y.parquet")
    with pytest.raises(InputError, match="not a submission"):
        submission.merge(tmp_path / "y.parquet", tmp_path / "merged")
    assert len(submission.results_in(results[0].folder)) == 1


def tampered(path, target, card=None, **facts):
    """The packed file with other facts in its first result, and in the card."""
    table = pq.read_table(path)
    content = json.loads(table.schema.metadata[submission.KEY])
    content["results"][0] |= facts
    content["cards"]["a"] |= card or {}
    pq.write_table(table.replace_schema_metadata({submission.KEY: json.dumps(content)}), target)
    return target


@pytest.mark.parametrize(
    "facts",
    [
        {"key": "../../../../../x"},
        {"key": "/var/evil/xx"},
        {"key": ""},
        {"system": ["a"]},
        {"system": None},
        {"aggregates": [{"measure": "nDCG@10"}]},
        {"aggregates": {"a": 1}},
        {"languages": [1]},
        {"provenance": "none"},
        {"more": 1},
    ],
)
def test_facts_that_are_none_are_refused_before_anything_is_written(stored, tmp_path, facts):
    submission.pack(stored(honest()), tmp_path / "s.parquet", card_of)
    hostile = tampered(tmp_path / "s.parquet", tmp_path / "hostile.parquet", **facts)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(InputError, match="not a submission"):
        submission.merge(hostile, tmp_path / "merged")
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["../../../outside", "/var/outside", "..", "a/../../b", "<script>", "\0"])
def test_hostile_names_stay_below_the_folder_of_results(stored, tmp_path, name):
    submission.pack(stored(honest()), tmp_path / "s.parquet", card_of)
    hostile = tampered(
        tmp_path / "s.parquet", tmp_path / "h.parquet", system=name, collection=f"{name}/{name}", split=name
    )
    for result in submission.read(hostile).results:
        folder = ResultStore(tmp_path / "here").write(result)
        assert folder.resolve().is_relative_to(tmp_path / "here")
        assert len(folder.relative_to(tmp_path / "here").parts) == 5


def test_a_card_packed_with_the_tables_of_all_kinds_is_understood(stored, tmp_path):
    """Versions before wrote them, empty but for one."""
    submission.pack(stored(honest()), tmp_path / "s.parquet", card_of)
    before = tampered(tmp_path / "s.parquet", tmp_path / "b.parquet", {"builder": None, "bm25": {}, "reason": ""})
    before = tampered(before, tmp_path / "c.parquet", {"kind": "bm25", "encoder": None, "fusion": None})
    assert failed(submission.merge(before, tmp_path / "merged")) == []


def test_nothing_from_a_submission_is_imported_or_run(stored, tmp_path, monkeypatch):
    (tmp_path / "hostilemodule.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    hostile = CARD.model_copy(update={"builder": "hostilemodule:function"})
    submission.pack(stored(honest()), tmp_path / "s.parquet", lambda _: hostile)
    assert failed(submission.merge(tmp_path / "s.parquet", tmp_path / "merged")) == []
    assert "hostilemodule" not in sys.modules
