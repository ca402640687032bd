from dataclasses import replace

import pytest
from toys.faults import toy_result as result

from lapca_bench.errors import StoreError
from lapca_bench.sealed import read_sealed, write_sealed
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import MANIFEST, RUN, SCORES, ResultStore, newest


def test_a_result_comes_back(tmp_path):
    store = ResultStore(tmp_path)
    folder = store.write(result())
    stored = store.find("k" * 64)
    assert stored is not None
    assert stored.folder == folder
    assert (stored.system, stored.collection, stored.aggregates[0]["mean"]) == ("toy", "family/subset", 0.5)
    assert stored.run.ranking("q") == [("a", 1.0)]
    assert stored.scores["value"].tolist() == [0.5]
    stored.verify()
    assert store.find("k" * 12 + "x" * 52) is None


def test_all_results_and_replacing_one(tmp_path):
    store = ResultStore(tmp_path)
    store.write(result("b" * 64, "two"))
    store.write(result("a" * 64, "one", 0.1))
    store.write(result("a" * 64, "one", 0.9))
    assert [(found.system, found.scores["value"].item()) for found in store.all()] == [("one", 0.9), ("two", 0.5)]


def test_names_stay_inside_the_root(tmp_path):
    folder = ResultStore(tmp_path / "results").write(result(system="../../.. a/b"))
    assert folder.resolve().is_relative_to((tmp_path / "results").resolve())


def test_without_its_manifest_it_is_no_result(tmp_path):
    store = ResultStore(tmp_path)
    (store.write(result()) / MANIFEST).unlink()
    assert store.find("k" * 64) is None
    assert list(store.all()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": {}, "odd": 1}'])
def test_a_damaged_manifest_is_named(tmp_path, content):
    store = ResultStore(tmp_path)
    path = store.write(result()) / MANIFEST
    path.write_text(content)
    with pytest.raises(StoreError, match="cannot be read") as raised:
        list(store.all())
    assert raised.value.path == path


def test_another_format_is_named(tmp_path):
    store = ResultStore(tmp_path)
    path = store.write(result()) / MANIFEST
    write_sealed(path, {**read_sealed(path, ""), "format": 99})
    with pytest.raises(StoreError, match="another version"):
        store.find("k" * 64)


@pytest.mark.parametrize(("name", "attribute"), [(SCORES, "scores"), (RUN, "run")])
def test_damaged_columns_are_named(tmp_path, name, attribute):
    store = ResultStore(tmp_path)
    store.write(result())
    path = store.find("k" * 64).path(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    stored = store.find("k" * 64)
    with pytest.raises(StoreError, match="does not match its digest") as raised:
        getattr(stored, attribute)
    assert raised.value.path == path
    path.unlink()
    with pytest.raises(StoreError, match="cannot read"):
        stored.verify()


def test_a_root_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        ResultStore(tmp_path / "results").write(result())


def test_the_newest_result_of_every_place_counts():
    def ended(day, **about):
        return replace(result(**about), provenance=Provenance({"finished": day}))

    old, new, other = ended("2026-01-01"), ended("2026-03-01"), ended("2025-01-01", system="other")
    again = replace(ended("2026-02-01"), split="dev")
    found = newest([new, old, other, again])
    assert list(found.values()) == [new, other, again]
    assert list(newest([again, old, new, other], by=("system", "collection")).values()) == [new, other]
    same = ended("2026-03-01")
    assert newest([new, same])[next(iter(found))] is same
