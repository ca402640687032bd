"""Your own collection by card: every format, and every mistake named by file, line and key."""

import gzip
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from lapca_bench.collections import expand, load, registry
from lapca_bench.errors import InputError, LapcaError, MissingResourceError, UsageError

CARD = """\
name = "news"
query_languages = ["de"]
document_languages = ["en"]
measures = ["nDCG@10"]

[documents]
path = "corpus.jsonl"

[splits.test]
queries = { path = "queries.tsv" }
qrels = "qrels.txt"
"""
DOCUMENTS = [{"id": "d1", "title": "One", "text": "first"}, {"id": "d2", "text": "second"}]


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "corpus.jsonl").write_text(jsonl(DOCUMENTS))
    (tmp_path / "queries.tsv").write_text("id\ttext\nq1\tKatze\nq2\tHund\n")
    (tmp_path / "qrels.txt").write_text("q1 0 d1 2\nq1 0 d2 0\nq2 0 d2 1\n")
    return tmp_path


def test_a_card_by_its_path(folder):
    name = str(folder / "card.toml")
    assert expand(name) == (name,)
    assert registry.status(name).present
    collection = load(name)
    assert collection.card.name == "files/news"
    assert collection.card.policy.measures == ("nDCG@10",)
    assert [(d.id, d.title, d.text, d.language) for d in collection.documents()] == [
        ("d1", "One", "first", "en"),
        ("d2", "", "second", "en"),
    ]
    assert [(q.id, q.text, q.language) for q in collection.queries()] == [("q1", "Katze", "de"), ("q2", "Hund", "de")]
    assert collection.relevance().judgements == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    assert [(c.expected, c.found) for c in registry.check(name)] == [(2, 2)]


def test_the_fingerprint_follows_every_file(folder):
    card = folder / "card.toml"
    before = load(str(card)).fingerprint
    assert load(str(card)).fingerprint == before
    for name in ("corpus.jsonl", "queries.tsv", "qrels.txt", "card.toml"):
        old = (folder / name).read_text()
        (folder / name).write_text(old.replace("second", "2nd").replace("Hund", "Dog").replace("2\n", "3\n") + "\n")
        assert load(str(card)).fingerprint != before
        (folder / name).write_text(old)


def test_gzip_tsv_and_parquet_give_the_same_documents(folder):
    expected = list(load(str(folder / "card.toml")).documents())
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(jsonl(DOCUMENTS).encode()))
    (folder / "c.tsv").write_text("id\ttitle\ttext\nd1\tOne\tfirst\nd2\t\tsecond\n")
    table = pa.table({"id": ["d1", "d2"], "title": ["One", None], "text": ["first", "second"]})
    parquet.write_table(table, folder / "c.parquet")
    for name in ("c.jsonl.gz", "c.tsv", "c.parquet"):
        (folder / "card.toml").write_text(CARD.replace("corpus.jsonl", name))
        assert list(load(str(folder / "card.toml")).documents()) == expected


def test_fields_can_have_other_names_and_ids_can_be_numbers(folder):
    (folder / "corpus.jsonl").write_text(
        jsonl([{"no": 1, "body": "x", "lang": "en"}, {"no": 2, "body": "y", "lang": "fr"}])
    )
    card = CARD.replace('["en"]', '["en", "fr"]').replace(
        '"corpus.jsonl"\n', '"corpus.jsonl"\nfields = { id = "no", text = "body", language = "lang" }\n'
    )
    (folder / "card.toml").write_text(card)
    assert [(d.id, d.language) for d in load(str(folder / "card.toml")).documents()] == [("1", "en"), ("2", "fr")]


def test_a_beir_folder(tmp_path):
    (tmp_path / "scifact" / "qrels").mkdir(parents=True)
    (tmp_path / "scifact" / "corpus.jsonl").write_text(jsonl([{"_id": "1", "title": "T", "text": "x", "metadata": {}}]))
    (tmp_path / "scifact" / "queries.jsonl").write_text(jsonl([{"_id": "a", "text": "p"}, {"_id": "b", "text": "q"}]))
    for split, query in (("train", "b"), ("test", "a")):
        text = f"query-id\tcorpus-id\tscore\n{query}\t1\t1\n"
        (tmp_path / "scifact" / "qrels" / f"{split}.tsv").write_text(text)
    card = tmp_path / "card.toml"
    card.write_text('name = "s"\nquery_languages = ["en"]\ndocument_languages = ["en"]\nbeir = "scifact"\n')
    assert load(str(card)).split == "test"
    assert [q.id for q in load(str(card)).queries()] == ["a"]
    assert load(str(card), "train").relevance().judgements == {"b": {"1": 1}}


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('name = "news"', 'name = "a b"', 1, "name"),
        ("measures =", "mesures =", 4, "mesures"),
        ('["de"]', '["german"]', 2, "query_languages.0"),
        ('["de"]', "[]", 2, "query_languages"),
        ('path = "corpus.jsonl"', "path = 3", 7, "documents.path"),
        ('qrels = "qrels.txt"', "", 9, "splits.test.qrels"),
        ('measures = ["nDCG@10"]', "depth = 0", 4, "depth"),
        ('path = "corpus.jsonl"', 'path = "c.jsonl"\nlanguage = "en"\nfields = { language = "l" }', 6, "documents"),
        ("[documents]", "[documents", 6, None),
    ],
)
def test_a_wrong_card_is_named_by_line_and_key(folder, old, new, line, key):
    (folder / "card.toml").write_text(CARD.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load(str(folder / "card.toml"))
    assert caught.value.path == folder / "card.toml"
    assert caught.value.line == line
    assert caught.value.key == key or (key or "").startswith(caught.value.key or "-")
    assert caught.value.remedy


def test_a_card_says_which_queries_are_translations(folder):
    card = folder / "card.toml"
    assert load(str(card)).card.policy.translations == ""
    card.write_text('translations = "{query}_{language}"\n' + CARD)
    assert load(str(card)).card.policy.translations == "{query}_{language}"
    card.write_text('translations = "{language}"\n' + CARD)
    with pytest.raises(LapcaError, match="does not say how ids name translations") as caught:
        load(str(card))
    assert (caught.value.line, caught.value.key) == (1, "translations")


def test_a_card_without_documents_is_refused(folder):
    (folder / "card.toml").write_text(CARD[: CARD.index("[documents]")])
    with pytest.raises(UsageError, match="needs \\[documents\\]"):
        load(str(folder / "card.toml"))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = \x00"])
def test_a_card_that_is_no_text(folder, content):
    (folder / "card.toml").write_bytes(content)
    with pytest.raises(UsageError):
        load(str(folder / "card.toml"))


def test_a_card_that_is_not_there(folder):
    with pytest.raises(UsageError, match="cannot read: No such file"):
        load(str(folder / "other.toml"))


def test_a_file_that_is_not_there(folder):
    (folder / "qrels.txt").unlink()
    with pytest.raises(MissingResourceError, match=r"qrels\.txt is not there"):
        load(str(folder / "card.toml"))


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], 2, "the id 'a' comes twice"),
        ([{"id": "", "text": "x"}], 1, "an empty id"),
        ([{"id": "a b", "text": "x"}], 1, "white space in the id"),
        ([{"id": "a", "text": "x"}, {"id": 12, "text": "y"}], 2, "the id 12 is int, the ids before it are str"),
        ([{"id": 1.5, "text": "x"}], 1, "the id 1.5 is float"),
        ([{"id": True, "text": "x"}], 1, "the id True is bool"),
        ([{"id": "a", "text": None}], 1, "'text' must be a string"),
        ([{"id": "a"}], 1, "the field 'text' is missing"),
        ([{"id": "a", "text": "x", "title": 3}], 1, "'title' must be a string"),
        ([["a"]], 1, "a JSON object is needed"),
    ],
)
def test_malformed_documents_are_named_by_line(folder, lines, line, message):
    (folder / "corpus.jsonl").write_text(jsonl(lines))
    with pytest.raises(InputError) as caught:
        list(load(str(folder / "card.toml")).documents())
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (folder / "corpus.jsonl", line)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("queries.tsv", b"id\ttext\nq1\tK\xff\n", 2),
        ("queries.tsv", b"id\ttext\nq1\tKatze\textra\n", 2),
        ("queries.tsv", b"number\ttext\n", 1),
        ("queries.tsv", b"id\ttext\nq1\t \n", 2),
        ("qrels.txt", b"q1 0 d1 1\nq1 0 d1\n", 2),
        ("qrels.txt", b"q1 0 d1 high\n", 1),
        ("corpus.jsonl", b'{"id": "a", "text": "x"}\n{"id"\n', 2),
    ],
)
def test_malformed_lines_are_named(folder, name, content, line):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(load(str(folder / "card.toml")).documents())
    assert (caught.value.path, caught.value.line) == (folder / name, line)


def test_judgements_must_fit_the_queries_and_each_other(folder):
    (folder / "qrels.txt").write_text("q9 0 d1 1\n")
    with pytest.raises(InputError, match="not among the queries"):
        load(str(folder / "card.toml"))
    (folder / "qrels.txt").write_text("q1 0 d1 1\nq1 0 d1 2\n")
    with pytest.raises(InputError, match="judges document 'd1' as 1 and as 2") as caught:
        load(str(folder / "card.toml"))
    assert caught.value.path == folder / "qrels.txt"


def test_judged_documents_that_are_absent_show_in_the_check(folder):
    (folder / "qrels.txt").write_text("q1 0 d1 1\nq1 0 d7 1\n")
    (count,) = registry.check(str(folder / "card.toml"))
    assert (count.expected, count.found, count.equal) == (2, 1, False)


def test_languages_must_not_come_apart(folder):
    rows = [{"id": str(i), "text": "x", "l": code} for i, code in enumerate(["en", "fr", "en"])]
    (folder / "corpus.jsonl").write_text(jsonl(rows))
    card = CARD.replace('["en"]', '["en", "fr"]')
    card = card.replace('"corpus.jsonl"\n', '"corpus.jsonl"\nfields = { language = "l" }\n')
    (folder / "card.toml").write_text(card)
    with pytest.raises(InputError, match="come again") as caught:
        list(load(str(folder / "card.toml")).documents())
    assert caught.value.line == 3


def test_broken_parquet_and_unknown_endings(folder):
    (folder / "c.parquet").write_bytes(b"PAR1")
    (folder / "c.docx").write_bytes(b"")
    for name, message in (("c.parquet", "not a whole Parquet file"), ("c.docx", "not understood")):
        (folder / "card.toml").write_text(CARD.replace("corpus.jsonl", name))
        with pytest.raises(LapcaError, match=message):
            list(load(str(folder / "card.toml")).documents())


def test_an_unknown_split(folder):
    with pytest.raises(UsageError, match="has no split 'dev'"):
        load(str(folder / "card.toml"), "dev")


@pytest.mark.parametrize(("old", "new"), [('["de"]', '["german"]'), ('name = "news"', 'name = "a b"')])
def test_what_a_card_may_hold_is_told_in_words_and_not_as_a_pattern(folder, old, new):
    (folder / "card.toml").write_text(CARD.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load(str(folder / "card.toml"))
    assert "pattern" not in str(caught.value)
    assert not set("^$[\\") & set(caught.value.message)
