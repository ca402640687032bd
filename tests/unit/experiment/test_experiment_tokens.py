"""Tokenizer health of a collection's texts, counted by hand on a tiny vocabulary."""

import json

import pytest

pytest.importorskip("transformers")

from toys.checkpoints import write_checkpoint
from toys.cli import in_process

CARD = """\
name = "toy"
title = "Toy"
kind = "dense"
licence = "MIT"
citation = "none"
url = "https://example.org"
languages = ["*"]
[encoder]
type = "transformer"
checkpoint = "{checkpoint}"
pooling = "mean"
query_max_length = 5
document_max_length = 5
"""


@pytest.fixture
def toys(tmp_path):
    write_checkpoint(tmp_path / "bert")
    rows = [("d1", "de", "cat sat"), ("d2", "de", "cat sat sat cat"), ("d3", "zh", "漢 漢")]
    documents = [json.dumps({"id": name, "text": text, "lang": language}) for name, language, text in rows]
    (tmp_path / "corpus.jsonl").write_text("\n".join(documents) + "\n")
    (tmp_path / "queries.jsonl").write_text('{"id": "q", "text": "cat", "lang": "de"}\n')
    (tmp_path / "qrels.txt").write_text("q 0 d1 1\n")
    (tmp_path / "collection.toml").write_text(
        'name = "pool"\nversion = "1"\nquery_languages = ["de"]\ndocument_languages = ["de", "zh"]\n'
        'measures = ["RR@20"]\n[documents]\npath = "corpus.jsonl"\nfields = { language = "lang" }\n'
        '[splits.test]\nqueries = { path = "queries.jsonl", fields = { language = "lang" } }\nqrels = "qrels.txt"\n'
    )
    (tmp_path / "toy.toml").write_text(CARD.format(checkpoint=tmp_path / "bert"))
    return tmp_path


def test_unknown_rate_tokens_per_character_and_cut_texts(toys, capsys):
    asked = ("systems", "tokens", str(toys / "toy.toml"), "-c", str(toys / "collection.toml"))
    done = in_process(*asked, "--json", capture=capsys)
    assert done.code == 0, done.err
    (rows,) = json.loads(done.out).values()
    found = {(row["side"], row["language"]): row for row in rows}
    german, chinese = found["documents", "de"], found["documents", "zh"]
    assert (german["texts"], german["tokens"], german["unknown"], german["truncated"]) == (2, 10, 0, 1)
    assert german["characters"] == len("cat sat") + len("cat sat sat cat")
    assert (chinese["tokens"], chinese["unknown"]) == (4, 2)  # [CLS] and [SEP] are counted
    assert found["queries", "de"]["tokens"] == 3
    assert "50.00%" in in_process(*asked, capture=capsys).out
    late = CARD.format(checkpoint=toys / "bert").replace('"dense"', '"late-interaction"')
    late = (
        late.replace("[encoder]", "[late_interaction]")
        .replace('type = "transformer"\n', "")
        .replace('pooling = "mean"\n', "")
    )
    (toys / "toy-late.toml").write_text(late)
    of_late = in_process("systems", "tokens", str(toys / "toy-late.toml"), *asked[3:], "--json", capture=capsys)
    assert json.loads(of_late.out) == json.loads(done.out), of_late.err
    capped = json.loads(in_process(*asked, "--limit", "1", "--json", capture=capsys).out)
    assert {row["texts"] for rows in capped.values() for row in rows} == {1}


def test_a_system_without_tokens_is_refused(toys, capsys):
    done = in_process("systems", "tokens", "bm25s", "-c", str(toys / "collection.toml"), capture=capsys)
    assert (done.code, "bm25s shows no tokens" in done.err) == (2, True)
