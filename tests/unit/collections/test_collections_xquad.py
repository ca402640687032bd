"""XQuADRetrieval's and the grid's rules on small files in XQuAD's format."""

import dataclasses
import json
from hashlib import sha256

import pytest

from lapca_bench.collections.catalogue import read_catalogue
from lapca_bench.collections.xquad import XQUAD_GRID, XQUAD_RETRIEVAL, XquadGrid, XquadRetrieval
from lapca_bench.errors import InputError, MissingResourceError


def entry(context, **questions):
    qas = [{"id": n, "question": text, "answers": [{"text": "x", "answer_start": 0}]} for n, text in questions.items()]
    return {"context": context, "qas": qas}


def write(root, language, *entries):
    (root / "xquad").mkdir(exist_ok=True)
    content = {"version": "1.1", "data": [{"title": "t", "paragraphs": list(entries)}]}
    (root / "xquad" / f"xquad.{language}.json").write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    write(tmp_path, "en", entry("One. ", a="Who?", b="Where? "), entry("Two.", c="Who?"))
    write(tmp_path, "de", entry("Eins.", a="Wer?", b="Wo?"), entry("Zwei.", c="Wer?"))
    return tmp_path


def retrieval(**expected):
    return XquadRetrieval("xquad-retrieval", dataclasses.replace(read_catalogue("xquad-retrieval"), expected=expected))


def grid(**expected):
    return XquadGrid("xquad-grid", dataclasses.replace(read_catalogue("xquad-grid"), expected=expected))


def test_questions_of_equal_text_are_one_query_under_the_last_id(root):
    collection = retrieval(documents=2, queries={"en": 2}).load("en")
    one, two = (sha256(text.encode()).hexdigest() for text in ("One.", "Two."))
    assert [(q.id, q.text) for q in collection.queries()] == [("c", "Who?"), ("b", "Where?")]
    assert collection.relevance().judgements == {"c": {one: 1, two: 1}, "b": {one: 1}}
    assert [(d.id, d.text) for d in collection.documents()] == [(one, "One."), (two, "Two.")]


def test_the_grid_keeps_every_question(root):
    collection = grid(documents=2, questions=3).load("de-en")
    assert [(q.id, q.text, q.language) for q in collection.queries()] == [
        ("a", "Wer?", "de"),
        ("b", "Wo?", "de"),
        ("c", "Wer?", "de"),
    ]
    assert [(d.id, d.text, d.language) for d in collection.documents()] == [
        ("en-000", "One.", "en"),
        ("en-001", "Two.", "en"),
    ]
    assert collection.relevance().judgements == {"a": {"en-000": 1}, "b": {"en-000": 1}, "c": {"en-001": 1}}


def test_files_that_are_not_parallel_are_refused(root):
    write(root, "de", entry("Eins.", a="Wer?"), entry("Zwei.", b="Wo?", c="Wer?"))
    with pytest.raises(InputError, match=r"do not have the questions of xquad\.de\.json"):
        grid().load("de-en")


def test_other_counts_than_the_published_ones_are_refused(root):
    with pytest.raises(InputError, match=r"queries \(en\): 2 found, 1,185 expected"):
        retrieval(documents=2, queries={"en": 1_185}).load("en")
    with pytest.raises(InputError, match="documents: 2 found, 240 expected"):
        XQUAD_GRID.load("de-en")
    assert [count.equal for count in XQUAD_RETRIEVAL.counts("en")] == [False, False]


def test_absent_files_are_named(root):
    with pytest.raises(MissingResourceError, match=r"XQuAD \(th\)"):
        XQUAD_GRID.load("en-th")
    assert not XQUAD_RETRIEVAL.presence("ro").present
    assert XQUAD_RETRIEVAL.counts("ro") == ()


def test_the_grid_has_144_cells_and_unique_names():
    groups = XQUAD_GRID.groups()
    assert len(set(XQUAD_GRID.subsets())) == len(groups["all"]) == 144
    assert (len(groups["cross"]), len(groups["xx-en"]), len(groups["en-xx"])) == (132, 11, 11)
