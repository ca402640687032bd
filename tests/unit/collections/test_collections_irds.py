"""The adapter of ir-datasets: ids, grades and languages as they are, and never a download."""

import socket

import pytest

from lapca_bench.collections import expand, irds, load, registry
from lapca_bench.errors import LapcaError, MissingResourceError, UsageError
from lapca_bench.extras import installing

ir_datasets = pytest.importorskip("ir_datasets")


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_, **__):
        pytest.fail("the network was touched")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.setattr("ir_datasets.util.home_path", lambda: tmp_path)


@pytest.fixture
def small(tmp_path, monkeypatch):
    (tmp_path / "docs.tsv").write_text("d1\tone\nd2\ttwo\n")
    (tmp_path / "queries.tsv").write_text("7\tfirst\n8\tsecond\n")
    (tmp_path / "qrels.txt").write_text("7 0 d1 2\n7 0 d2 -1\n")
    made = ir_datasets.create_dataset(
        docs_tsv=str(tmp_path / "docs.tsv"),
        queries_tsv=str(tmp_path / "queries.tsv"),
        qrels_trec=str(tmp_path / "qrels.txt"),
    )
    monkeypatch.setattr(irds, "_dataset", lambda _: made)
    monkeypatch.setattr(irds, "_digests", lambda _: [])


def test_a_collection_streams_twice_the_same(small):
    collection = load("irds/own/test")
    assert [(d.id, d.text) for d in collection.documents()] == [("d1", "one"), ("d2", "two")]
    assert list(collection.documents()) == list(collection.documents())
    assert [(q.id, q.text) for q in collection.queries()] == [("7", "first"), ("8", "second")]
    assert collection.relevance().judgements == {"7": {"d1": 2, "d2": -1}}
    assert collection.fingerprint == load("irds/own/test").fingerprint


def test_any_id_may_be_named(no_network):
    assert expand("irds/mr-tydi/te/test") == ("irds/mr-tydi/te/test",)
    card = registry.card("irds/mr-tydi/te/test")
    assert (card.query_languages, card.document_languages) == (("te",), ("te",))
    assert card.version.startswith("1.0 (ir-datasets ")
    assert card.policy.measures == ("RR@100", "R@100")
    assert "not comparable with mr-tydi here, which is version 1.1" in card.note
    assert "Mr. TyDi" not in registry.card("irds/vaswani").note


@pytest.mark.parametrize("name", ["vaswani", "mr-tydi/te/test", "miracl/te/dev", "clirmatrix/de/multi8/en/test1"])
def test_what_would_be_downloaded_is_missing(no_network, name):
    presence = registry.status(f"irds/{name}")
    assert not presence.present
    assert "is not on this machine" in presence.reason
    assert f"ir_datasets export {name} docs" in presence.remedy


def test_documents_that_would_be_downloaded_raise(no_network):
    with pytest.raises(MissingResourceError):
        list(load("irds/vaswani").documents())


@pytest.mark.parametrize("name", ["irds/nope", "irds/msmarco-passage"])
def test_ids_that_cannot_be_a_collection(no_network, name):
    with pytest.raises(UsageError):
        load(name)


def test_a_split_is_part_of_the_id(small):
    with pytest.raises(UsageError) as caught:
        load("irds/own/test", "dev")
    assert "irds/own/dev" in caught.value.remedy


def test_without_the_library_the_remedy_is_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ir_datasets", None)
    with pytest.raises(LapcaError) as caught:
        load("irds/vaswani")
    assert caught.value.remedy == installing("irds")
