"""Kept results: exact where they keep, cut where they cut, and named where they are damaged."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toys import board_results as made

from lapca_bench.errors import InputError, StoreError
from lapca_bench.run import Run
from lapca_bench.sealed import seal_folder
from lapca_bench.store.keep import FIRST, keep
from lapca_bench.store.kept import DOCUMENTS, QUESTIONS, RESULTS, KeptResult, stored_results
from lapca_bench.store.results import Facts, ResultStore


def toys():
    return [
        made.result("a", "toy/de", 0.6),
        made.result("b", "toy/de", 0.3, measures=("RR@10",), queries=30),
        made.result("a", "toy/mixed", 0.5, languages=("de", "fi")),
        made.result("a", "other/de", 0.5),
    ]


@pytest.fixture
def full(tmp_path):
    return list(made.write(tmp_path / "full", toys()).all())


def of_toy(results):
    return [one for one in results if one.collection.startswith("toy/")]


def read_all(root):
    """Everything that is kept of every result."""
    return [(one.verify(), one.scores, one.run) for one in stored_results(root)]


def by_measure(frame):
    return frame.sort_values("measure", kind="stable").reset_index(drop=True)


def test_scores_come_back_exactly_and_documents_in_their_order(full, tmp_path):
    keep(full, tmp_path / "kept", 3)
    kept = list(stored_results(tmp_path / "kept"))
    assert [one.key for one in kept] == [one.key for one in full]
    for before, after in zip(full, kept, strict=True):
        names = {"key", "system", "title", "kind", "system_digest", "collection", "split", "languages", "aggregates"}
        assert all(getattr(before, name) == getattr(after, name) for name in names)
        assert after.provenance == {**before.provenance, "kept": 3}
        assert after.digests == before.digests
        assert by_measure(after.scores).equals(by_measure(before.scores))
        assert after.run.queries == before.run.queries
        for query in before.run.queries:
            wanted = [document for document, _ in before.run.ranking(query)[:3]]
            assert [document for document, _ in after.run.ranking(query)] == wanted
        after.verify()


def test_values_are_the_same_to_the_bit(tmp_path):
    one = made.result("a", "toy/de", 0.5, queries=3, measures=("m",))
    values = [1 / 3, np.nextafter(0.1, 1), np.nan]
    one = type(one)(**{**vars(one), "scores": one.scores.assign(value=values)})
    keep(made.write(tmp_path / "full", [one]).all(), tmp_path / "kept")
    (kept,) = stored_results(tmp_path / "kept")
    assert kept.scores["value"].to_numpy().tobytes() == np.asarray(values).tobytes()


def test_a_query_that_found_nothing_and_one_that_is_not_scored_stay_apart(tmp_path):
    one = made.result("a", "toy/de", 0.5, queries=3)
    run = Run.from_dict("a", {"de-0": {"d1": 2.0}, "de-1": {}, "unjudged": {"d2": 1.0}})
    keep(made.write(tmp_path / "full", [type(one)(**{**vars(one), "run": run})]).all(), tmp_path / "kept")
    (kept,) = stored_results(tmp_path / "kept")
    assert kept.run.queries == ("de-0", "de-1", "unjudged")
    assert [kept.run.ranking(query) for query in kept.run.queries] == [[("d1", 1.0)], [], [("d2", 1.0)]]
    assert set(kept.scores["query"]) == {"de-0", "de-1", "de-2"}


def test_a_run_that_is_no_deeper_is_not_called_cut(tmp_path):
    one = made.result("a", "toy/de", 0.5)
    about = {**one.provenance, "depth": FIRST}
    keep(made.write(tmp_path / "full", [type(one)(**{**vars(one), "provenance": about})]).all(), tmp_path / "kept")
    (kept,) = stored_results(tmp_path / "kept")
    assert "kept" not in kept.provenance


def test_results_are_added_and_the_same_key_is_replaced(full, tmp_path):
    root = tmp_path / "kept"
    keep(full[:2], root)
    keep(full, root)
    kept = list(stored_results(root))
    assert [one.key for one in kept] == [one.key for one in full]
    assert sorted(path.name for path in root.glob("*.kept")) == ["other.kept", "toy.kept"]
    assert by_measure(kept[0].scores).equals(by_measure(full[0].scores))


def test_kept_and_full_results_stand_in_one_folder(full, tmp_path):
    keep(of_toy(full)[:2], tmp_path / "both")
    made.write(tmp_path / "both", [one for one in toys() if one.key not in {kept.key for kept in of_toy(full)[:2]}])
    found = list(stored_results(tmp_path / "both"))
    assert {one.key for one in found} == {one.key for one in full}
    assert sum(isinstance(one, KeptResult) for one in found) == 2
    assert [one.key for one in ResultStore(tmp_path / "both").all()] == [
        one.key for one in found if not isinstance(one, KeptResult)
    ]


def test_the_same_results_make_the_same_bytes(full, tmp_path):
    keep(full, tmp_path / "one")
    keep(full[::-1], tmp_path / "two")
    for path in (tmp_path / "one").rglob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@pytest.mark.parametrize("name", [RESULTS, QUESTIONS, DOCUMENTS])
@pytest.mark.parametrize("how", ["changed", "missing", "cut", "unsealed"])
def test_a_damaged_or_forged_file_is_named(full, tmp_path, name, how):
    keep(of_toy(full), tmp_path / "kept")
    folder = tmp_path / "kept" / "toy.kept"
    path = folder / name
    content = path.read_bytes()
    if how == "changed":
        path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    elif how == "cut":
        path.write_bytes(content[:-10])
    elif how == "unsealed":
        (folder / "digests.json").unlink()
    else:
        path.unlink()
    with pytest.raises(StoreError) as caught:
        read_all(tmp_path / "kept")
    assert caught.value.path.parent == folder
    assert caught.value.path.name == (RESULTS if how == "unsealed" else name)
    assert caught.value.remedy


def test_values_that_were_changed_are_not_read(full, tmp_path):
    keep(of_toy(full), tmp_path / "kept")
    path = tmp_path / "kept" / "toy.kept" / QUESTIONS
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index("RR@10"), "RR@10", pa.array([1.0] * len(table))), path)
    first, *_ = stored_results(tmp_path / "kept")
    with pytest.raises(StoreError, match="does not match its digest"):
        _ = first.scores
    with pytest.raises(StoreError, match="does not match its digest"):
        _ = first.run


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (RESULTS, pa.table({"key": ["k"]})),
        (RESULTS, pa.table({name: ["1"] for name in (*Facts.__dataclass_fields__, "files")})),
        (QUESTIONS, pa.table({"result": pa.array([0], pa.int32()), "query": ["q"]})),
        (QUESTIONS, pa.table({"query": ["q"]})),
        (DOCUMENTS, pa.table({"name": ["d"]})),
        (DOCUMENTS, pa.table({"document": ["d"]})),
    ],
)
def test_a_sealed_file_of_another_form_is_named(full, tmp_path, name, table):
    keep(of_toy(full), tmp_path / "kept")
    folder = tmp_path / "kept" / "toy.kept"
    pq.write_table(table, folder / name)
    seal_folder(folder)
    with pytest.raises(StoreError) as caught:
        read_all(tmp_path / "kept")
    assert caught.value.path == folder / name


def test_scores_that_name_a_query_twice_are_refused(tmp_path):
    one = made.result("a", "toy/de", 0.5)
    frame = one.scores.assign(query="q")
    with pytest.raises(InputError, match="a question twice"):
        keep(made.write(tmp_path / "full", [type(one)(**{**vars(one), "scores": frame})]).all(), tmp_path / "kept")
    assert not list(tmp_path.rglob("*.kept"))


def test_a_damaged_full_result_is_not_kept(full, tmp_path):
    path = full[0].path("scores.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError):
        keep(ResultStore(tmp_path / "full").all(), tmp_path / "kept")


def test_facts_can_be_read_by_anything(full, tmp_path):
    keep(of_toy(full), tmp_path / "kept")
    row, *_ = pq.read_table(tmp_path / "kept" / "toy.kept" / RESULTS).to_pylist()
    assert (row["system"], row["collection"], json.loads(row["languages"])) == ("a", "toy/de", ["de"])
