"""Mr. TyDi's and MIRACL's common loader on files in the authors' formats."""

import dataclasses
import gzip
import json

import pytest

from lapca_bench.collections.base import Policy
from lapca_bench.collections.catalogue import Catalogue
from lapca_bench.collections.formats.trec import TrecFamily
from lapca_bench.collections.mrtydi import MR_TYDI, _files
from lapca_bench.errors import InputError, MissingResourceError, UsageError

FACTS = Catalogue(
    title="Mr. TyDi",
    version="1.1",
    licence="",
    citation="",
    url="",
    expected={"sw": {"documents": 3, "test": {"queries": 2, "judgements": 3, "judged queries": 2}}},
)
TOPICS = "7\tNini  maana ya elimu?\n12\tLini?\n"
QRELS = "7\tQ0\t10#0\t1\n7\tQ0\t10#2\t1\n12 Q0 11#0 1\n"
ANSERINI = [
    {"id": "10#0", "contents": "Elimu\n\nElimu ni\n\nmuhimu."},
    {"id": "10#2", "contents": "bila kichwa"},
    {"id": "11#0", "contents": "\n\nkichwa tupu"},
]


def make(facts=FACTS):
    return TrecFamily("mr-tydi", _files, Policy(measures=("RR@100",)), ("test", "dev"), facts)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The layout of the authors' archive."""
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "mr-tydi-v1.1" / "mrtydi-v1.1-swahili"
    (folder / "collection").mkdir(parents=True)
    (folder / "topic.test.tsv").write_text(TOPICS)
    (folder / "qrels.test.txt").write_text(QRELS)
    write(folder / "collection" / "docs.jsonl.gz", ANSERINI)
    return folder


def write(path, records):
    with gzip.open(path, "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(record) + "\n" for record in records)


def test_the_authors_layout_loads(folder):
    collection = make().load("sw")
    assert [(q.id, q.language) for q in collection.queries()] == [("7", "sw"), ("12", "sw")]
    assert collection.relevance().relevant("7") == {"10#0", "10#2"}
    documents = list(collection.documents())
    assert [(d.id, d.title, d.text) for d in documents] == [
        ("10#0", "Elimu", "Elimu ni\n\nmuhimu."),
        ("10#2", "", "bila kichwa"),
        ("11#0", "", "kichwa tupu"),
    ]
    assert make().presence("sw").present
    assert {count.what: count.found for count in make().counts("sw")} == {
        "test queries": 2,
        "test judgements": 3,
        "test judged queries": 2,
        "documents": 3,
    }


def test_the_hub_layout_of_passages_loads(folder):
    (folder / "collection" / "docs.jsonl.gz").unlink()
    record = {"docid": "10#0", "title": "Elimu", "text": "Elimu ni muhimu."}
    write(folder / "corpus.jsonl.gz", [dict(record, docid=f"10#{i}") for i in range(3)])
    documents = list(make().load("sw").documents())
    assert (documents[2].id, documents[2].title, documents[2].text) == ("10#2", "Elimu", "Elimu ni muhimu.")


def test_anserinis_layout_loads(folder):
    for kind, place in (("topic", "topics"), ("qrels", "qrels")):
        (folder.parent / place).mkdir()
        suffix = "tsv" if kind == "topic" else "txt"
        content = (folder / f"{kind}.test.{suffix}").read_bytes()
        (folder / f"{kind}.test.{suffix}").unlink()
        if kind == "topic":
            with gzip.open(folder.parent / place / "topics.mrtydi-v1.1-sw.test.txt.gz", "wb") as handle:
                handle.write(content)
        else:
            (folder.parent / place / "qrels.mrtydi-v1.1-sw.test.txt").write_bytes(content)
    assert len(make().load("sw").queries()) == 2


def test_other_content_with_equal_counts_is_refused(folder):
    """Versions 1.0 and 1.1 have equal counts; only the content tells them apart."""
    (folder / "qrels.test.txt").write_text(QRELS.replace("11#0", "11#1"))
    facts = dataclasses.replace(FACTS, digests={"sw": {"test": {"qrels": "0" * 64}}})
    with pytest.raises(InputError, match=r"not those of Mr. TyDi 1\.1") as caught:
        make(facts).load("sw")
    assert caught.value.path.name == "qrels.test.txt"


def test_the_digest_follows_content_and_neither_order_nor_white_space(folder):
    def digests(topics, qrels):
        (folder / "topic.test.tsv").write_text(topics)
        (folder / "qrels.test.txt").write_text(qrels)
        from lapca_bench.collections.formats.trec import _Judged

        return _Judged.read(_files("sw"), "sw", "test").digests()

    first = digests(TOPICS, QRELS)
    assert first == digests("12\tLini? \n7\tNini maana ya elimu?\n", "\n".join(reversed(QRELS.splitlines())))
    assert first["topics"] != digests(TOPICS.replace("Lini", "Nani"), QRELS)["topics"]
    assert first["qrels"] != digests(TOPICS, QRELS.replace("11#0 1", "11#0 0"))["qrels"]


def test_a_file_that_was_cut_short_is_refused(folder):
    (folder / "qrels.test.txt").write_text(QRELS[: QRELS.index("12")])
    with pytest.raises(InputError, match="judgements: 2 found, 3 expected"):
        make().load("sw")


def test_passages_that_were_cut_short_are_refused(folder):
    path = folder / "collection" / "docs.jsonl.gz"
    write(path, ANSERINI[:2])
    with pytest.raises(InputError, match="documents: 2 found, 3 expected"):
        list(make().load("sw").documents())
    whole = gzip.compress("".join(json.dumps(dict(r, pad="x" * 500)) + "\n" for r in ANSERINI).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="ends in the middle"):
        list(make().load("sw").documents())
    path.write_bytes(b"\x1f\x8bnot gzip at all")
    with pytest.raises(InputError, match="compressed by gzip, is damaged"):
        list(make().load("sw").documents())


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"id": "1"}, "'contents' is missing"),
        ({"docid": "1", "text": "t"}, "'title' is missing"),
        ({"id": "1", "contents": None}, "must be a string"),
        ({"id": "", "contents": "x"}, "an empty id"),
    ],
)
def test_a_malformed_passage_is_named(folder, record, problem):
    path = folder / "collection" / "docs.jsonl.gz"
    write(path, [ANSERINI[0], record])
    with pytest.raises(InputError, match=problem) as caught:
        list(make().load("sw").documents())
    assert (caught.value.path, caught.value.line) == (path, 2)


@pytest.mark.parametrize(
    ("name", "content", "line", "problem"),
    [
        ("topic.test.tsv", "7\ta\tb\n", 1, "3 tab-separated columns"),
        ("topic.test.tsv", TOPICS + "7\tagain\n", None, "'7' comes twice"),
        ("qrels.test.txt", "7 Q0 10#0\n", 1, "3 fields where 4"),
        ("qrels.test.txt", "7 Q0 10#0 yes\n", 1, "'yes' is not a whole number"),
        ("qrels.test.txt", QRELS + "99 Q0 10#0 1\n", None, "no topic .first: '99'"),
    ],
)
def test_malformed_topics_and_qrels_are_named(folder, name, content, line, problem):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        make().load("sw")
    assert (caught.value.path, caught.value.line) == (folder / name, line)


def test_a_pair_judged_twice_with_different_grades_is_refused(folder):
    (folder / "qrels.test.txt").write_text(QRELS.replace("10#2\t1", "10#0\t0"))
    with pytest.raises(InputError, match="judges document '10#0' as 1 and as 0"):
        make().load("sw")


def test_what_is_absent_is_named_with_its_origin(folder):
    with pytest.raises(MissingResourceError, match=r"dev topics \(sw\)") as caught:
        make().load("sw", "dev")
    assert "mrtydi-v1.1-swahili.tar.gz" in caught.value.remedy
    (folder / "collection" / "docs.jsonl.gz").unlink()
    assert make().presence("sw").reason == "Mr. TyDi 1.1 passages (sw): not on this machine"
    with pytest.raises(MissingResourceError):
        next(make().load("sw").documents())


def test_version_1_0_in_its_own_folder_is_not_taken(folder):
    folder.rename(folder.with_name("mrtydi-v1.0-swahili"))
    assert not make().presence("sw").present


def test_a_language_that_the_collection_lacks_is_refused():
    with pytest.raises(UsageError, match="mr-tydi/de"):
        MR_TYDI.load("de", None)
