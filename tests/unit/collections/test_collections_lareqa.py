"""LAReQA's rules on a small file in the authors' format: sentences, targets, skipped questions."""

import json

import pytest

from lapca_bench.collections.catalogue import Catalogue
from lapca_bench.collections.sentence_pools.lareqa import MLQA_R, XQUAD_R, Lareqa
from lapca_bench.errors import InputError, MissingResourceError, UsageError

ONE, TWO, ECHO = "First one. ", "Second two. ", "Second two. "


def entry(context, breaks, *questions):
    qas = [{"id": n, "question": f" {n}? ", "answers": [{"text": "x", "answer_start": s}]} for n, s in questions]
    return {"context": context, "sentence_breaks": breaks, "qas": qas}


ENGLISH = [
    entry(ONE + TWO, [[0, 11], [11, 23]], ("a", 3), ("b", 11)),
    entry("Nobody asks.", [[0, 12]]),
    entry(TWO + ONE + ECHO, [[0, 12], [12, 23], [23, 35]], ("c", 24)),
    entry("Gap here.", [[0, 3], [4, 9]], ("d", 3)),
]
GERMAN = [entry("Erster. Zweiter.", [[0, 8], [8, 16]], ("a", 0), ("b", 8))]


def make(**languages):
    expected = {x: {"questions": q, "candidates": c} for x, (q, c) in languages.items()}
    return Lareqa("mini-r", "mini-r", "https://example.org", Catalogue("Mini-R", "1", "", "", "", expected=expected))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "mini-r"
    folder.mkdir()
    write(folder, "en", ENGLISH)
    write(folder, "de", GERMAN)
    return folder


@pytest.fixture
def family():
    return make(de=(2, 2), en=(3, 5))


def write(folder, language, entries):
    articles = [{"title": "t", "paragraphs": [one]} for one in entries]
    (folder / f"{language}.json").write_text(json.dumps({"version": "1", "data": articles}))


def test_the_pool_holds_every_language_and_targets_are_answers_in_all_of_them(family, folder):
    collection = family.load("mixed")
    documents = list(collection.documents())
    assert [d.id for d in documents] == ["de_1_0", "de_1_1", "en_1_0", "en_1_1", "en_3_0", "en_3_1", "en_3_2"]
    assert [d.language for d in documents] == ["de"] * 2 + ["en"] * 5
    assert collection.relevance().judgements == {
        "a_de": {"de_1_0": 1, "en_1_0": 1},
        "b_de": {"de_1_1": 1, "en_1_1": 1},
        "a_en": {"de_1_0": 1, "en_1_0": 1},
        "b_en": {"de_1_1": 1, "en_1_1": 1},
        "c_en": {"en_3_0": 1, "en_3_2": 1},
    }
    assert collection.queries()[0].text == " a? "


def test_the_two_candidate_texts_are_two_collections(family, folder):
    alone, paragraph = family.load("mixed"), family.load("mixed-context")
    assert (next(alone.documents()).title, next(alone.documents()).text) == ("", "Erster. ")
    assert next(paragraph.documents()).title == "Erster. "
    assert next(paragraph.documents()).text == "Erster. Zweiter."
    assert alone.card.name != paragraph.card.name
    assert alone.fingerprint != paragraph.fingerprint


def test_one_language_of_questions_has_the_whole_pool_at_full_depth(family, folder):
    collection = family.load("en-mixed")
    assert {query.language for query in collection.queries()} == {"en"}
    assert sum(1 for _ in collection.documents()) == collection.card.policy.depth == 7
    assert collection.card.policy.measures == ("AP", "AP_cap@20")
    assert family.card("mixed").policy.measures == ("AP@1000", "AP_cap@20")
    assert family.card("mixed").policy.depth == 1000


def test_the_monolingual_pool_has_the_answers_of_its_language(family, folder):
    collection = family.load("de")
    assert collection.relevance().judgements == {"a_de": {"de_1_0": 1}, "b_de": {"de_1_1": 1}}
    assert collection.card.policy.depth == 2


def test_counts(family, folder):
    found = {count.what: count.found for count in family.counts("mixed")}
    assert found["questions (en)"] == 3  # the answer of "d" falls in no sentence
    assert found["candidates (en)"] == 5  # a paragraph without questions leaves its sentences out
    assert (found["questions (all)"], found["candidates (all)"]) == (5, 7)
    with pytest.raises(InputError, match=r"candidates \(en\): 5 found, 6 expected"):
        make(de=(2, 2), en=(3, 6)).load("mixed")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"data": [', "not JSON"),
        ('{"version": 1}', "KeyError 'data'"),
        (json.dumps({"data": [{"paragraphs": [entry("Short.", [[0, 99]], ("a", 0))]}]}), "outside of the paragraph"),
        (json.dumps({"data": [{"paragraphs": [{"context": "x", "qas": []}]}]}), "sentence_breaks"),
    ],
)
def test_a_malformed_file_is_refused(family, folder, content, problem):
    (folder / "en.json").write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        family.load("mixed")
    assert caught.value.path == folder / "en.json"


def test_an_absent_language_is_named(family, folder):
    (folder / "de.json").unlink()
    assert family.presence("en").present
    assert not family.presence("en-mixed").present
    with pytest.raises(MissingResourceError, match=r"Mini-R \(de\)"):
        family.load("mixed")
    assert [count.what for count in family.counts("mixed")] == ["questions (en)", "candidates (en)"]


def test_published_pools():
    assert XQUAD_R.card("en-mixed").policy.depth == 13_014
    assert MLQA_R.card("en-mixed-context").policy.depth == 20_534
    assert (len(XQUAD_R.languages), len(MLQA_R.languages)) == (11, 7)
    assert set(XQUAD_R.groups()) & set(XQUAD_R.subsets()) == set()
    assert {subset for group in XQUAD_R.groups().values() for subset in group} == set(XQUAD_R.subsets())
    with pytest.raises(UsageError):
        XQUAD_R.card("ro")


def test_each_collection_says_whether_questions_keep_the_blanks_at_their_ends(folder):
    """LAReQA's own code keeps them. What is read in another way is another collection, by its fingerprint."""
    read = {}
    for blanks in ("kept", "stripped"):
        facts = Catalogue("Mini-R", "1", "", "", "", blanks=blanks, expected=make(de=(2, 2)).catalogue.expected)
        read[blanks] = Lareqa("mini-r", "mini-r", "https://example.org", facts).load("de")
    assert [query.text for query in read["kept"].queries()] == [" a? ", " b? "]
    assert [query.text for query in read["stripped"].queries()] == ["a?", "b?"]
    assert read["kept"].fingerprint != read["stripped"].fingerprint
    assert (XQUAD_R.catalogue.blanks, MLQA_R.catalogue.blanks) == ("stripped", "kept")
