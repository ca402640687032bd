"""Submissions: packed results come back whole, and what does not hold is not packed or merged."""

import json
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toys import board_results as made
from toys.submissions import CARD, Toy, honest, ranking, with_provenance

from lapca_bench.collections import registry
from lapca_bench.errors import InputError
from lapca_bench.report.submission import packed
from lapca_bench.report.submission.checks import check, results_in
from lapca_bench.report.submission.merging import merge
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import ResultStore

CARDS = {"a": CARD}


@pytest.fixture(autouse=True)
def _toy(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda *_: Toy())
    monkeypatch.setattr(registry, "card", lambda *_: Toy().card)


@pytest.fixture
def stored(tmp_path):
    def write(*results):
        return list(made.write(tmp_path / "results", results).all())

    return write


@pytest.fixture
def submitted(stored, tmp_path):
    """The packed file of one honest result."""
    packed.write(stored(honest()), CARDS, tmp_path / "s.parquet")
    return tmp_path / "s.parquet"


def failed(checks):
    return [one.what for one in checks if not one.ok]


def test_an_honest_submission_is_packed_and_merged(stored, submitted, tmp_path):
    (original,) = stored()
    assert failed(check([original], CARDS)) == []
    first = merge(submitted, tmp_path / "merged")
    assert (failed(first.checks), first.merged, len(first.new)) == ([], True, 1)
    assert list(ResultStore(tmp_path / "merged").all()) == []  # only the compact form goes into a repository
    (merged,) = stored_results(tmp_path / "merged")
    assert merged.key == original.key
    assert [row[:2] for row in merged.run.rows()] == [row[:2] for row in original.run.rows()]
    assert merged.scores.equals(original.scores)
    assert merged.aggregates == original.aggregates
    assert merged.provenance["card"]["licence"] == "MIT"
    again = merge(submitted, tmp_path / "merged")
    assert (again.merged, list(again.new), len(again.unchanged)) == (True, [], 1)
    assert len(list(stored_results(tmp_path / "merged"))) == 1


def test_a_submission_carries_the_full_run(stored, submitted):
    (result,) = packed.read(submitted).results
    assert list(result.run.rows()) == list(stored()[0].run.rows())


def test_a_kept_result_is_not_submitted_again(stored, tmp_path):
    keep(stored(honest()), tmp_path / "kept", 1)
    with pytest.raises(InputError, match="no result"):
        results_in(tmp_path / "kept")
    assert "a on toy/de (test): run scored again" in failed(check(list(stored_results(tmp_path / "kept")), CARDS))


def test_a_query_without_documents_stays_in_the_run(stored, tmp_path):
    results = stored(honest(ranked={"q0": {"d0": 1.0}, "q1": {}, "q2": {}}))
    packed.write(results, CARDS, tmp_path / "s.parquet")
    (back,) = packed.read(tmp_path / "s.parquet").results
    assert back.run.queries == ("q0", "q1", "q2")


def test_an_incomplete_or_foreign_card_fails(stored):
    results = stored(honest())
    assert failed(check(results, {"a": CARD.model_copy(update={"citation": ""})})) == ["a: card"]
    assert failed(check(results, {"a": CARD.model_copy(update={"name": "b"})})) == ["a: card"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"commit": None, "versions": {"numpy": "2"}}, "lacks commit"),
        ({"timings": None}, "lacks timings"),
        ({"finished": "9999-12-31T00:00:00+00:00"}, "when no result can have been made"),
        ({"finished": "1999-12-31T00:00:00+00:00"}, "when no result can have been made"),
        ({"finished": ""}, "does not say when"),
        ({"policy": {**honest().provenance["policy"], "average": "micro"}}, "policy: average"),
        ({"policy": {**honest().provenance["policy"], "measures": ["nDCG@10"]}}, "policy: measures"),
        ({"collection": {**honest().provenance["collection"], "licence": "mine"}}, "collection: licence"),
    ],
)
def test_provenance_must_be_there_and_possible(stored, changes, detail):
    results = stored(with_provenance(honest(), **changes))
    faults = {one.what: one.detail for one in check(results, CARDS) if not one.ok}
    assert list(faults) == ["a on toy/de (test): provenance"]
    assert detail in faults["a on toy/de (test): provenance"]


def test_the_name_of_a_system_that_is_known_here_needs_its_card(stored):
    results = stored(replace(honest(), system="bm25", title="bm25"))
    faults = {one.what: one.detail for one in check(results, {"bm25": CARD.model_copy(update={"name": "bm25"})})}
    assert "another card here" in faults["bm25: card"]
    results = stored(replace(honest(), system="BM25", title="BM25"))
    assert "BM25: name" in failed(check(results, {"BM25": CARD.model_copy(update={"name": "BM25"})}))


def test_what_stands_is_replaced_only_when_that_is_asked_for(stored, submitted, tmp_path):
    board = tmp_path / "board"
    merge(submitted, board)
    better = honest(ranked=ranking(2))
    packed.write(list(made.write(tmp_path / "other", [better]).all()), CARDS, tmp_path / "t.parquet")
    refused = merge(tmp_path / "t.parquet", board)
    (stands,) = [one for one in refused.checks if not one.ok]
    (before,) = stored_results(board)
    assert not refused.merged
    assert stands.what == "a on toy/de (test): stands already"
    for word in ("a, key", before.key[:12], "RR@10 100.0", before.provenance.finished, "lapca-bench run", "--replace"):
        assert word in stands.detail
    assert merge(tmp_path / "t.parquet", board, replace=True).merged
    (after,) = stored_results(board)
    assert after.scores.equals(better.scores)


def test_a_system_of_the_same_name_and_other_settings_is_refused(stored, submitted, tmp_path):
    board = tmp_path / "board"
    merge(submitted, board)
    other = honest(settings={"encoder": {"class": "another"}, "versions": {"numpy": "2.4"}})
    packed.write(list(made.write(tmp_path / "other", [other]).all()), CARDS, tmp_path / "t.parquet")
    assert failed(merge(tmp_path / "t.parquet", board).checks) == [
        "a on toy/de (test): stands already",
        "a: same system as on the boards",
    ]
    newer = honest(settings={"encoder": {"class": "a"}, "versions": {"numpy": "2.5"}})
    packed.write(list(made.write(tmp_path / "newer", [newer]).all()), CARDS, tmp_path / "u.parquet")
    assert failed(merge(tmp_path / "u.parquet", board).checks) == ["a on toy/de (test): stands already"]


def test_a_review_says_what_is_new_and_what_is_taken_on_trust(stored, submitted, tmp_path):
    text = "\n".join(merge(submitted, tmp_path / "board").review)
    assert "a: a new system, 1 results on toy/de" in text
    assert "RR@10 100.0, place 1 of 1" in text
    assert "taken on trust" in text
    weak = honest("b", ranking(1))
    packed.write(
        list(made.write(tmp_path / "weak", [weak]).all()), {"b": CARD.model_copy(update={"name": "b"})}, tmp_path / "w"
    )
    assert "place 2 of 2" in "\n".join(merge(tmp_path / "w", tmp_path / "board").review)


def test_folders_and_files_that_hold_nothing_are_refused(stored, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no result"):
        results_in(tmp_path / "empty")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a submission"):
        packed.read(tmp_path / "x.parquet")
    results = stored(honest())
    pq.write_table(pq.read_table(results[0].path("run.parquet")), tmp_path / "y.parquet")
    with pytest.raises(InputError, match="not a submission"):
        merge(tmp_path / "y.parquet", tmp_path / "merged")
    with pytest.raises(InputError, match="no such file"):
        packed.read(tmp_path / "z.parquet")
    assert len(results_in(results[0].folder)) == 1


def tampered(path, target, card=None, about=None, **facts):
    """The packed file with other facts in its first result, in its provenance and in the card."""
    table = pq.read_table(path)
    content = json.loads(table.schema.metadata[packed.KEY])
    content["results"][0] |= facts
    content["results"][0]["provenance"] = facts.get("provenance", content["results"][0]["provenance"])
    if about:
        content["results"][0]["provenance"] |= about
    content["cards"]["a"] |= card or {}
    pq.write_table(table.replace_schema_metadata({packed.KEY: json.dumps(content)}), target)
    return target


AGGREGATE = {"measure": "nDCG@10", "language": "de", "mean": 0.5, "queries": 3}


@pytest.mark.parametrize(
    "facts",
    [
        {"key": "../../../../../x"},
        {"key": "/var/evil/xx"},
        {"key": ""},
        {"key": 1},
        {"system": ["a"]},
        {"system": None},
        {"system": ""},
        {"system": " a"},
        {"system": "a" * 101},
        {"system": "a\0"},
        {"system": "a\x1b[2K"},
        {"system": "bm\u200b25"},
        {"system": "вm25"},
        {"system": "=1+1"},
        {"system": "[x]"},
        {"title": "a\nb"},
        {"kind": "a\x1b[2K"},
        {"kind": ""},
        {"collection": "../x"},
        {"collection": "toy/de\n"},
        {"split": "te st"},
        {"languages": [1]},
        {"languages": []},
        {"languages": ['=HYPERLINK("http://x")']},
        {"languages": ["<img src=x>"]},
        {"aggregates": [{"measure": "nDCG@10"}]},
        {"aggregates": {"a": 1}},
        {"aggregates": []},
        {"aggregates": [{**AGGREGATE, "mean": float("nan")}]},
        {"aggregates": [{**AGGREGATE, "mean": "0.5"}]},
        {"aggregates": [{**AGGREGATE, "queries": -1}]},
        {"aggregates": [{**AGGREGATE, "queries": 3.0}]},
        {"aggregates": [{**AGGREGATE, "queries": True}]},
        {"aggregates": [{**AGGREGATE, "measure": "ndcg_cut_10"}]},
        {"aggregates": [{**AGGREGATE, "measure": "nonsense"}]},
        {"provenance": "none"},
        {"provenance": None},
        {"provenance": {}},
        {"more": 1},
        {"about": {"timings": "abc"}},
        {"about": {"timings": {"rank": -1.0}}},
        {"about": {"timings": {"rank": float("inf")}}},
        {"about": {"timings": {"rank\x1b": 1.0}}},
        {"about": {"finished": "yesterday"}},
        {"about": {"finished": "2026-01-01T00:00:00"}},
        {"about": {"finished": 20260101}},
        {"about": {"versions": "x"}},
        {"about": {"versions": {"numpy": 2}}},
        {"about": {"collection": "x"}},
        {"about": {"encoded": -5}},
        {"about": {"encoded": 1.5}},
        {"about": {"index_bytes": 10**30}},
        {"about": {"kept": "all"}},
        {"about": {"depth": 0}},
        {"about": {"recall": {"recall": 2.0, "at": 10, "queries": 4}}},
        {"about": {"threads": "two"}},
        {"about": {"command": "x\x1b]0;y\x07"}},
        {"about": {"note of mine": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}},
        {"about": {"note": "\ud800"}},
        {"about": {"card": []}},
    ],
    ids=str,
)
def test_facts_that_are_none_are_refused_before_anything_is_written(submitted, tmp_path, facts):
    hostile = tampered(submitted, tmp_path / "hostile.parquet", **facts)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(InputError, match="not a submission") as refusal:
        merge(hostile, tmp_path / "merged")
    assert len(str(refusal.value)) < 1500
    assert "\x1b" not in str(refusal.value)
    assert sorted(tmp_path.parent.rglob("*")) == before


def rewritten(path, target, change):
    """The packed file with other rows."""
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), target)
    return target


def column(name, value, row=0):
    def change(table):
        values = table[name].to_pylist()
        values[row] = value
        place = table.column_names.index(name)
        return table.set_column(place, name, pa.array(values, table.schema.field(name).type))

    return change


SCORE = -1  # the last row is a score, the first one of a run


@pytest.mark.parametrize(
    "change",
    [
        column("result", 1),
        column("result", -1),
        column("result", None),
        column("query", None),
        column("query", "unknown"),
        column("query", "unknown", SCORE),
        column("document", "d3"),
        column("document", "not in the collection"),
        column("document", ""),
        column("document", None),
        column("document", "d0", SCORE),
        column("language", "de"),
        column("language", None, SCORE),
        column("language", "de", SCORE),
        column("measure", "AP", SCORE),
        column("value", float("nan")),
        column("value", float("inf")),
        column("value", 0.1),
        column("value", None),
        column("value", 0.25),
        column("value", 0.99, SCORE),
        column("value", float("nan"), SCORE),
        lambda table: table.slice(1),
        lambda table: table.slice(0, len(table) - 1),
        lambda table: pa.concat_tables([table, table.slice(len(table) - 1)]),
        lambda table: pa.concat_tables([table, *[table.slice(len(table) - 8, 1)] * 1000]),
        lambda table: table.append_column("more", table["value"]),
        lambda table: table.append_column("value", table["value"]),
        lambda table: table.select(["query", "result", "document", "language", "measure", "value"]),
        lambda table: table.drop_columns(["measure"]),
        lambda table: table.set_column(5, "value", table["value"].cast(pa.string())),
        lambda table: table.set_column(0, "result", table["result"].cast(pa.float64())),
        lambda table: table.set_column(1, "query", pa.array([[one] for one in table["query"].to_pylist()])),
        lambda table: table.slice(0, 0),
    ],
)
def test_rows_that_say_something_else_are_not_merged(submitted, tmp_path, change):
    hostile = rewritten(submitted, tmp_path / "hostile.parquet", change)
    try:
        found = merge(hostile, tmp_path / "merged")
    except InputError as error:
        assert "not a submission" in error.message
    else:
        assert failed(found.checks)
        assert not found.merged
    assert not (tmp_path / "merged").exists()


def test_a_dishonest_score_is_neither_accepted_nor_merged(tmp_path):
    odd = honest()
    odd = replace(odd, scores=odd.scores.assign(value=0.123), aggregates=[{**a, "mean": 0.123} for a in odd.aggregates])
    results = list(made.write(tmp_path / "odd", [odd]).all())
    assert failed(check(results, CARDS)) == ["a on toy/de (test): run scored again"]
    packed.write(results, CARDS, tmp_path / "s.parquet")
    assert failed(merge(tmp_path / "s.parquet", tmp_path / "merged").checks) == ["a on toy/de (test): run scored again"]
    assert not (tmp_path / "merged").exists()


def test_a_card_packed_with_the_tables_of_all_kinds_is_understood(submitted, tmp_path):
    """Versions before wrote them, empty but for one."""
    before = tampered(submitted, tmp_path / "b.parquet", {"builder": None, "bm25": {}, "reason": ""})
    before = tampered(before, tmp_path / "c.parquet", {"kind": "bm25", "encoder": None, "fusion": None})
    assert failed(merge(before, tmp_path / "merged").checks) == []


def test_nothing_from_a_submission_is_imported_or_run(stored, tmp_path, monkeypatch):
    (tmp_path / "hostilemodule.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    hostile = CARD.model_copy(update={"builder": "hostilemodule:function"})
    packed.write(stored(honest()), {"a": hostile}, tmp_path / "s.parquet")
    assert failed(merge(tmp_path / "s.parquet", tmp_path / "merged").checks) == []
    assert "hostilemodule" not in sys.modules


def test_the_schema_knows_what_a_run_records():
    from dataclasses import fields

    from lapca_bench.collections.base import Policy
    from lapca_bench.report.submission import schema
    from lapca_bench.store.results import Facts

    assert set(schema.PolicyFacts.model_fields) == {field.name for field in fields(Policy)}
    assert set(schema.PackedResult.model_fields) == {field.name for field in fields(Facts)}
