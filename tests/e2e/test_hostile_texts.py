"""Texts that hurt, as documents and queries, on the whole way: JSON lines, vectors, indexes, run, scores, pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("bm25s")

from toys.checkpoints import write_checkpoint
from toys.cli import CARD, in_process

from lapca_bench.errors import MissingResourceError
from lapca_bench.search.lexical.java import find_jar, find_java
from lapca_bench.store.runs import read_trec

LONG = 30_000  # characters
MEGABYTES = 10_000_000
TEXTS = {
    "control": "".join(map(chr, range(1, 32))) + "\x7f\x85 river",
    "nul": "a\0b river\0",
    "surrogate": "river \ud800 stone \udfff",
    "right-to-left": "\u202eנהר אבן\u202c نهر حجر \u200f",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 river 🙂",
    "marks": "e" + "\u0301" * 500 + " river",
    "separators": "river\u2028stone\u2029cloud\r\nend\x1c\x1d\x1e",
    "private": "\ue000\U0010ffff\ufffe\uffff\ufeff river",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)> river",
    "formula": "=cmd|' /C calc'!A0 river",
    "tex": "\\input{/etc/passwd} $\\write18{ls}$ % & _ # river",
    "one word": "x" * LONG,
    "words": "river " * (LONG // 6),
    "no spaces": "河" * (LONG // 3),
}
SYSTEM = """\
name = "tiny <b>\\"&"
title = "<script>alert(2)</script>"
kind = "dense"
licence = "x"
citation = "x"
url = "https://example.org"
languages = ["*"]
[encoder]
type = "transformer"
checkpoint = "./tiny"
pooling = "mean"
query_max_length = 16
document_max_length = 16
"""


def write_texts(texts: dict[str, str]) -> None:
    """A collection in which every text is a document with an id of its own, and a query that it is relevant to."""
    documents = [{"id": f"d{i}", "title": text[:40], "text": text} for i, text in enumerate(texts.values())]
    queries = [{"id": f"q{i}", "text": text, "lang": "de"} for i, text in enumerate(texts.values()) if text]
    for name, records in (("corpus", documents), ("queries", queries)):
        Path(f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    Path("qrels.txt").write_text("".join(f"q{i} 0 d{i} 1\n" for i, text in enumerate(texts.values()) if text))
    Path("card.toml").write_text(CARD)


@pytest.fixture
def lapca(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_checkpoint(Path("tiny"))
    Path("tiny.toml").write_text(SYSTEM)

    def run(*words):
        ended = in_process(*words, capture=capsys)
        assert "Traceback" not in ended.out + ended.err
        assert ended.code == 0, ended.err
        return ended

    return run


def lexical() -> list[str]:
    try:
        find_java()
        find_jar()
    except MissingResourceError:
        return ["bm25s", "char-ngrams"]
    return ["bm25", "bm25s", "char-ngrams"]


def test_every_text_goes_all_the_way(lapca):
    write_texts({**TEXTS, "empty": ""})
    systems = [word for name in ("tiny.toml", *lexical()) for word in ("-s", name)]
    lapca("run", *systems, "-c", "card.toml", "-o", "results", "-q")
    for system in ("tiny.toml", *lexical()):
        lapca("search", "-s", system, "-c", "card.toml", "-o", "a.run", "-q")
        run = read_trec(Path("a.run"))
        assert set(run.queries) <= {f"q{i}" for i in range(len(TEXTS))}
        lapca("score", "a.run", "qrels.txt")
    for form in ("terminal", "markdown", "latex", "csv", "json", "html"):
        lapca("table", "-c", "files/toy", "--results", "results", "--format", form)
    lapca("board", "build", "--results", "results", "--out", "site", "--texts")
    pages = [path.read_text(encoding="utf-8") for path in Path("site").rglob("*.html")]
    assert any("tiny &lt;b&gt;" in page for page in pages)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)
    lapca("cache", "verify")


def test_ten_megabytes_in_one_text(lapca):
    write_texts({"long": "river stone " * (MEGABYTES // 12), "short": "cat"})
    lapca("run", "-s", "tiny.toml", "-s", "bm25s", "-c", "card.toml", "-o", "results", "-q")


def test_a_query_without_text_is_named_with_its_line(lapca, capsys):
    write_texts({"short": "cat", "stone": "mat"})
    with Path("queries.jsonl").open("a") as out:
        out.write('{"id": "empty", "text": " ", "lang": "de"}\n')
    ended = in_process("run", "-s", "bm25s", "-c", "card.toml", "-o", "results", "-q", capture=capsys)
    assert ended.code == 1
    assert "queries.jsonl:3: the query 'empty' has no text" in ended.out + ended.err
