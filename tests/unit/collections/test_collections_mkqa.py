"""MKQA's two protocols on files in the authors' formats."""

import dataclasses
import gzip
import json

import pytest

from lapca_bench.collections import mkqa
from lapca_bench.collections.catalogue import read_catalogue
from lapca_bench.collections.mkqa import LANGUAGES, MKQA_BGE, MKQA_CONTRIEVER, Mkqa
from lapca_bench.collections.normalisation import normalise
from lapca_bench.errors import InputError, MissingResourceError, UsageError


def question(number, *answers):
    texts = {language: f"{language.upper()} “Question” {number}" for language in LANGUAGES}
    return {"query": "q", "example_id": number, "queries": texts, "answers": {"en": list(answers)}}


def answer(kind, text, *aliases):
    return {"type": kind, "text": text, "entity": "Q1"} | ({"aliases": list(aliases)} if aliases else {})


QUESTIONS = [
    question(563260143484355911, answer("date", "2017", "2017"), answer("date", "2017-05-18", "May 18")),
    question(-12, answer("entity", "Kept"), answer("long_answer", None)),
    question(13, answer("unanswerable", None), answer("number", "5.0", "five")),
    question(14, answer("binary", "yes")),
]
COUNTS = {"questions": 4, "kept questions": 2, "documents": 2}


def family(of, **expected):
    facts = dataclasses.replace(read_catalogue(of.name), expected=COUNTS | expected)
    return Mkqa(of.name, of._protocol, facts)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    for folder in ("mkqa", "dpr", "beir/nq"):
        (tmp_path / folder).mkdir(parents=True)
    write(tmp_path, QUESTIONS)
    passages = "id\ttext\ttitle\n1\tThe 1914–1918 War…\tWorld War I\n2\tCafé\tB\n"
    (tmp_path / "dpr" / "psgs_w100.tsv").write_text(passages, encoding="utf-8")
    corpus = [
        {"_id": "doc0", "title": "World War I", "text": "The 1914–1918 War", "metadata": {}},
        {"_id": "doc1", "title": "", "text": "B", "metadata": {}},
    ]
    (tmp_path / "beir/nq/corpus.jsonl").write_text("".join(json.dumps(c) + "\n" for c in corpus))
    return tmp_path


def write(root, questions):
    with gzip.open(root / "mkqa" / "mkqa.jsonl.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(entry) + "\n" for entry in questions)


def test_the_type_of_the_last_answer_alone_keeps_a_question(root):
    collection = family(MKQA_CONTRIEVER).load("ko")
    assert collection.relevance().strings == {
        "563260143484355911": ("2017", "May 18", "2017-05-18"),
        "13": ("five", "5.0"),
    }
    assert [(q.id, q.language) for q in collection.queries()] == [("563260143484355911", "ko"), ("13", "ko")]


def test_contriever_systems_read_normalised_text_and_the_evaluator_the_raw_text(root):
    collection = family(MKQA_CONTRIEVER).load("zh_cn")
    assert collection.queries()[0].text == 'zh_cn "question" 563260143484355911'
    assert collection.queries()[0].language == "zh-CN"
    first, read = next(collection.documents()), next(collection.judged_documents())
    assert (first.title, first.text) == ("world war i", "the 1914-1918 war...")
    assert (read.title, read.text) == ("World War I", "The 1914–1918 War…")


def test_bge_systems_and_evaluator_read_one_normalised_text(root):
    collection = family(MKQA_BGE).load("de")
    assert collection.queries()[0].text == "DE “Question” 563260143484355911"
    assert list(collection.documents()) == list(collection.judged_documents())
    assert [(d.id, d.title, d.text) for d in collection.documents()] == [
        ("doc0", "", "world war i\nthe 1914-1918 war"),
        ("doc1", "", "\nb"),
    ]


def test_languages_and_counts(root):
    assert (len(MKQA_CONTRIEVER.subsets()), len(MKQA_BGE.subsets())) == (26, 25)
    assert {"ar", "he", "km", "ms", "no", "zh_cn", "zh_hk", "zh_tw"} < set(MKQA_BGE.subsets())
    assert [(c.what, c.found, c.equal) for c in family(MKQA_BGE).counts("ar")] == [
        ("questions", 4, True),
        ("kept questions", 2, True),
        ("documents", 2, True),
    ]
    with pytest.raises(UsageError, match="mkqa-bge/en"):
        MKQA_BGE.load("en")


def test_another_number_of_questions_is_refused(root):
    write(root, QUESTIONS[:-1])
    with pytest.raises(InputError, match="questions: 3 found, 4 expected"):
        family(MKQA_BGE).load("ar")
    with pytest.raises(InputError, match="documents: 2 found, 3 expected"):
        list(family(MKQA_BGE, questions=3, documents=3).load("ar").documents())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"queries": {"en": "only English"}}, r"queries\.ar is missing"),
        ({"queries": []}, "must be objects"),
        ({"answers": {"de": []}}, r"answers\.en must be a list"),
        ({"answers": {"en": []}}, r"answers\.en must be a list"),
        ({"answers": {"en": [{"type": "entity", "text": None}]}}, "without text"),
    ],
)
def test_a_malformed_line_is_named(root, change, problem):
    write(root, [QUESTIONS[0], QUESTIONS[1] | change])
    with pytest.raises(InputError, match=problem) as caught:
        family(MKQA_BGE).load("ar")
    assert (caught.value.path, caught.value.line) == (root / "mkqa" / "mkqa.jsonl.gz", 2)


def test_what_is_absent_is_named(root):
    (root / "dpr" / "psgs_w100.tsv").unlink()
    presence = family(MKQA_CONTRIEVER).presence("ar")
    assert "psgs_w100" in presence.reason
    assert "dl.fbaipublicfiles.com" in presence.remedy
    (root / "mkqa" / "mkqa.jsonl.gz").unlink()
    with pytest.raises(MissingResourceError, match="MKQA questions"):
        family(MKQA_CONTRIEVER).load("ar")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("‐‑⁃‒–—―−－⁻-", "-" * 11),
        ("“a” „b‟ ‘c’ ‚d‛ `e´ ՚ꞋꞌＦ＇", "\"a\" \"b\" 'c' 'd' 'e' '''ｆ'"),
        ("5′ 6″ 7‴ 8⁗ 9‵ 1‶ 2‷", "5' 6'' 7''' 8'''' 9' 1'' 2'''"),
        ("so … well . . . x", "so ... well ... x"),
        ("a\u0001\u001bb\u000bc\u0085d\u00ade\tf\u001c", "ab c de\tf\u001c"),
        ("1⁄2∕3 ~～ +＋ É", "1/2/3 ~～ +＋ é"),
    ],
)
def test_normalisation(text, normal):
    assert normalise(text) == normal


def test_every_language_of_the_protocols_is_named_once():
    assert len(set(mkqa.LANGUAGES)) == 26
