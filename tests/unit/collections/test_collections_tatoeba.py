"""Tatoeba's loader on small files in LASER's layout."""

import dataclasses

import pytest

from lapca_bench.collections.catalogue import read_catalogue
from lapca_bench.collections.tatoeba import TATOEBA, Tatoeba
from lapca_bench.errors import InputError, MissingResourceError, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "tatoeba" / "data" / "tatoeba" / "v1"
    folder.mkdir(parents=True)
    (folder / "tatoeba.deu-eng.deu").write_text("Hallo.\nGuten Tag.\nWo?\n")
    (folder / "tatoeba.deu-eng.eng").write_text("Hello.\nHello.\nWhere?\n")
    return folder


@pytest.fixture
def family():
    return Tatoeba("tatoeba", dataclasses.replace(read_catalogue("tatoeba"), expected={"deu": 3}, groups={}))


def test_gold_is_the_line_number_and_equal_sentences_stay_apart(family, folder):
    collection = family.load("deu-eng")
    assert [q.text for q in collection.queries()] == ["Hallo.", "Guten Tag.", "Wo?"]
    assert [(d.id, d.text) for d in collection.documents()] == [
        ("eng-0000", "Hello."),
        ("eng-0001", "Hello."),
        ("eng-0002", "Where?"),
    ]
    assert collection.relevance().judgements["deu-0001"] == {"eng-0001": 1}


def test_the_other_direction(family, folder):
    collection = family.load("eng-deu")
    assert (collection.queries()[2].text, collection.queries()[2].language) == ("Where?", "eng")
    assert {document.language for document in collection.documents()} == {"deu"}
    assert collection.relevance().judgements["eng-0002"] == {"deu-0002": 1}


def test_sides_that_were_cut_short_are_refused(family, folder):
    (folder / "tatoeba.deu-eng.eng").write_text("Hello.\nHello.\n")
    with pytest.raises(InputError, match="2 found, 3 expected") as caught:
        family.load("deu-eng")
    assert caught.value.path.name == "tatoeba.deu-eng.eng"
    assert [count.equal for count in family.counts("eng-deu")] == [False, True]


def test_an_empty_line_is_refused(family, folder):
    (folder / "tatoeba.deu-eng.deu").write_text("Hallo.\n \nWo?\n")
    with pytest.raises(InputError, match="empty line") as caught:
        family.load("deu-eng")
    assert caught.value.line == 2


def test_an_absent_side_is_named(family, folder):
    (folder / "tatoeba.deu-eng.eng").unlink()
    assert family.counts("deu-eng") == ()
    with pytest.raises(MissingResourceError, match=r"deu-eng \(eng\)"):
        family.load("deu-eng")


def test_groups_are_the_published_language_sets():
    groups = TATOEBA.groups()
    assert (len(groups["all"]), len(groups["reverse"])) == (112, 112)
    assert (len(groups["xtreme-36"]), len(groups["lapca-14"])) == (36, 14)
    assert set(groups["lapca-14"]) < set(groups["xtreme-36"]) < set(groups["all"])
    assert groups["xtreme-36-reverse"][0] == "eng-afr"
    assert next(iter(groups)) == "all"
    assert set(TATOEBA.subsets()) == {*groups["all"], *groups["reverse"]}
    assert sum(TATOEBA.catalogue.expected.values()) == 88_877


def test_an_unknown_pair_is_refused():
    with pytest.raises(UsageError, match="did you mean"):
        TATOEBA.load("deu-fra")
