"""XOR-Retrieve's loader on files in the authors' format."""

import dataclasses
import json

import pytest

from lapca_bench.collections.catalogue import read_catalogue
from lapca_bench.collections.xor import XorRetrieve
from lapca_bench.errors import InputError, MissingResourceError, UsageError

QUESTIONS = [
    {"id": "-1", "question": "ఎక్కడ?", "answers": ["Portland", "Portland"], "lang": "te", "split": "dev"},
    {"id": "2", "question": "متى؟", "answers": ["yes", "1914"], "lang": " ar", "split": "dev"},
    {"id": "3", "question": "هل؟", "answers": ["no"], "lang": "ar", "split": "dev"},
    {"id": "4", "question": "Onko?", "answers": ["No", "yes sir"], "lang": "fi", "split": "dev"},
]
PASSAGES = 'id\ttext\ttitle\n1\t"He said ""Portland""\u2028and left."\tOregon\n2\tThe war began in 1914.\tWar\n'


@pytest.fixture
def family():
    expected = {
        "documents": 2,
        "dev": {"questions": {"all": 4, "ar": 2}, "answerable": {"ar": 1, "fi": 1, "te": 1}},
        "test": {"questions": {"all": 1}},
    }
    return XorRetrieve("xor-retrieve", dataclasses.replace(read_catalogue("xor-retrieve"), expected=expected))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "xor-tydi"
    folder.mkdir()
    write(folder, QUESTIONS)
    (folder / "enwiki_20190201_w100.tsv").write_text(PASSAGES, encoding="utf-8")
    return folder


def write(folder, questions):
    lines = "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in questions)
    (folder / "xor_dev_retrieve_eng_span_v1_1.jsonl").write_text(lines, encoding="utf-8")


def test_yes_and_no_are_removed_and_the_question_stays_as_a_query(family, folder):
    collection = family.load("all")
    assert collection.split == "dev"
    assert [query.id for query in collection.queries()] == ["-1", "2", "3", "4"]
    assert collection.relevance().strings == {"-1": ("Portland",), "2": ("1914",), "4": ("No", "yes sir")}
    assert collection.card.policy.no_relevant == "exclude"


def test_the_blank_before_a_language_is_dropped(family, folder):
    assert [query.language for query in family.load("ar").queries()] == ["ar", "ar"]


def test_passages_are_read_as_dpr_reads_them(family, folder):
    documents = list(family.load("te").documents())
    assert [(d.id, d.title, d.language) for d in documents] == [("1", "Oregon", "en"), ("2", "War", "en")]
    assert documents[0].text == 'He said "Portland"\u2028and left.'
    assert all(count.equal for count in family.counts("all"))


def test_the_test_split_has_no_answers(family, folder):
    line = json.dumps({"id": "9", "question": "何?", "lang": "ja", "split": "test"})
    (folder / "xor_test_retrieve_eng_span_q_only_v1_1.jsonl").write_text(line)
    collection = family.load("ja", "test")
    assert len(collection.queries()) == 1
    assert len(collection.relevance()) == 0


def test_the_fingerprint_follows_the_files_and_the_split(family, folder):
    before = family.load("all").fingerprint
    assert before == family.load("all").fingerprint
    assert before != family.load("ar").fingerprint
    (folder / "enwiki_20190201_w100.tsv").write_text(PASSAGES.replace("1914", "1939"), encoding="utf-8")
    assert before != family.load("all").fingerprint


def test_version_1_0_is_refused(family, folder):
    write(folder, [*QUESTIONS, dict(QUESTIONS[0], id="5")])
    with pytest.raises(InputError, match=r"5 found, 4 expected of version 1\.1"):
        family.load("all")
    assert [count.equal for count in family.counts("all")] == [False, True]


def test_a_corpus_that_was_cut_short_is_noticed_at_its_end(family, folder):
    (folder / "enwiki_20190201_w100.tsv").write_text(PASSAGES[: PASSAGES.index("2\tThe")], encoding="utf-8")
    with pytest.raises(InputError, match="1 found, 2 expected"):
        list(family.load("all").documents())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "6", "question": "?", "answers": ["a"]}', "'lang' is missing"),
        ('{"id": "6", "question": "?", "answers": "a", "lang": "ar"}', "'answers' must be a list"),
        ('{"id": "6", "question": "?", "answers": ["a"], "lang": "de"}', "unknown language 'de'"),
        ('{"id": "6", "question": 7, "answers": ["a"], "lang": "ar"}', "'question' must be a string"),
        ('{"id": "6", "question": "?', "not JSON"),
        ("[]", "JSON object is needed"),
    ],
)
def test_a_malformed_line_is_named(family, folder, line, problem):
    path = folder / "xor_dev_retrieve_eng_span_v1_1.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=problem) as caught:
        family.load("all")
    assert (caught.value.path, caught.value.line) == (path, 5)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("3\tonly two columns\n", "2 tab-separated columns"),
        ("\ttext\ttitle\n", "an empty id"),
        ('3\t"' + "never closed " * 20_000, "not a DPR passage file"),
    ],
)
def test_a_malformed_passage_is_named(family, folder, row, problem):
    path = folder / "enwiki_20190201_w100.tsv"
    path.write_text(PASSAGES + row, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as caught:
        list(family.load("all").documents())
    assert (caught.value.path, caught.value.line) == (path, 4)


def test_bytes_that_are_not_utf8_are_named(family, folder):
    path = folder / "enwiki_20190201_w100.tsv"
    path.write_bytes(PASSAGES.encode() + b"3\t\xff\tx\n")
    with pytest.raises(InputError, match="not UTF-8") as caught:
        list(family.load("all").documents())
    assert caught.value.line == 4


def test_absent_files_say_what_from_where_and_where_to(family, folder):
    (folder / "enwiki_20190201_w100.tsv").unlink()
    presence = family.presence("ar")
    assert not presence.present
    collection = family.load("ar")
    with pytest.raises(MissingResourceError) as caught:
        next(collection.documents())
    assert "passages" in caught.value.message
    assert f"put it at {folder}/enwiki_20190201_w100.tsv" in caught.value.remedy
    assert "nlp.cs.washington.edu" in caught.value.remedy
    with pytest.raises(MissingResourceError, match="train questions"):
        family.load("ar", "train")


def test_without_a_data_folder_the_remedy_names_the_variable(family, monkeypatch):
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    assert not family.presence("te").present
    assert "LAPCA_BENCH_DATA" in family.presence("te").remedy


@pytest.mark.parametrize(("subset", "split"), [("de", None), ("ar", "v1.0")])
def test_an_unknown_language_or_split_is_refused(family, folder, subset, split):
    with pytest.raises(UsageError):
        family.load(subset, split)
