"""The walk of docs/leaderboards.md from a model to a board: a card's file, a class in a file, a folder of weights."""

from __future__ import annotations

import json

import pytest
from toys.checkpoints import write_checkpoint
from toys.cli import in_process, write_collection, write_encoder

from lapca_bench.collections import registry

FACTS = """
title = "Mine"
licence = "MIT"
citation = "Somebody 2026"
url = "https://example.org/mine"
languages = ["*"]
kind = "dense"
"""


@pytest.fixture
def walk(tmp_path, monkeypatch, capsys):
    """A function that types a command in a folder of one's own, where the toy collection has a name on the boards."""
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    card = str(write_collection(tmp_path / "data"))
    load, known = registry.load, registry.card
    monkeypatch.setattr(registry, "load", lambda name, split=None: load(card if name == "files/toy" else name, split))
    monkeypatch.setattr(registry, "card", lambda name: known(card if name == "files/toy" else name))

    def type_(*words, code=0):
        ended = in_process(*words, capture=capsys)
        assert ended.code == code, ended.out + ended.err
        return ended

    type_.card = card
    return type_


def submitted(walk, *systems, more=()):
    """From a run to a board, as the page says; returns what `board merge` printed."""
    walk("run", *systems, "--collection", walk.card, "--results", "mine", "--significance", "none", "-q")
    walk("submit", "mine", "--check", *more)
    walk("submit", "mine", *more, "--out", "mine.parquet")
    walk("submit", "mine.parquet", "--check")
    merged = walk("board", "merge", "mine.parquet", "--into", "board")
    walk("board", "verify", "--results", "board")
    walk("board", "build", "--out", "site", "--results", "board")
    return merged


def recorded(tmp_path):
    (manifest,) = tmp_path.glob("mine/*/*/*/*/*/result.json")
    return json.loads(manifest.read_text())["provenance"]


def test_a_card_that_is_a_file(walk, tmp_path):
    write_encoder(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "mine.toml").write_text(
        f'name = "mine"{FACTS}[encoder]\ntype = "python"\npath = "{tmp_path}/elsewhere/mine.py:Grams"\n'
    )
    merged = submitted(walk, "--system", "elsewhere/mine.toml")
    assert "added: mine on files/toy (test)" in merged.out
    assert "review: mine: a new system, 1 results on files/toy" in merged.out
    card = recorded(tmp_path)["card"]
    assert (card["licence"], card["encoder"]["path"]) == ("MIT", "mine.py:Grams")
    again = walk("board", "merge", "mine.parquet", "--into", "board")
    assert "unchanged: mine on files/toy (test)" in again.out
    assert str(tmp_path) not in json.dumps(recorded(tmp_path))


def test_a_class_in_a_file_without_a_card(walk, tmp_path):
    source = write_encoder(tmp_path / "elsewhere")
    merged = submitted(walk, "--encoder", source)
    assert "licence, citation, url not stated" in merged.out
    about = recorded(tmp_path)
    assert about["source"]["file"] == "mine.py"
    assert len(about["source"]["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(about)


def test_a_class_in_a_file_with_a_card_written_later(walk, tmp_path):
    source = write_encoder(tmp_path / "elsewhere")
    (tmp_path / "card.toml").write_text(f'name = "Grams"{FACTS}[encoder]\ntype = "python"\npath = "{source}"\n')
    merged = submitted(walk, "--encoder", source, more=("--card", "card.toml"))
    assert "not stated" not in merged.out
    (tmp_path / "other.toml").write_text(f'name = "other"{FACTS}[encoder]\ntype = "python"\npath = "{source}"\n')
    refused = walk("submit", "mine", "--card", "other.toml", code=2)
    assert "no result is of the system 'other'" in refused.err


def test_a_folder_of_weights_as_the_hub_has_them(walk, tmp_path):
    write_checkpoint(tmp_path / "models" / "tiny")
    (tmp_path / "tiny.toml").write_text(
        f'name = "tiny"{FACTS}[encoder]\ntype = "transformer"\ncheckpoint = "models/tiny"\npooling = "mean"\n'
        "query_max_length = 16\ndocument_max_length = 16\n"
    )
    merged = submitted(walk, "--system", "tiny.toml")
    assert "added: tiny on files/toy (test)" in merged.out
    assert recorded(tmp_path)["card"]["encoder"]["checkpoint"] == "tiny"


def test_the_template_is_a_repository_that_can_be_checked(walk, tmp_path, monkeypatch):
    walk("submit", "--template", "repository")
    walk("submit", "--template", "repository", code=2)
    monkeypatch.chdir(tmp_path / "repository")
    assert (tmp_path / "repository" / ".github" / "workflows" / "check.yml").is_file()
    walk("run", "--system", "card.toml", "--collection", walk.card, "--results", "results", "-q")
    assert "ready to submit" in walk("submit", "results", "--check", "--card", "card.toml").err


def test_what_cannot_be_checked_here_does_not_fail_the_check(walk, tmp_path, monkeypatch):
    write_encoder(tmp_path / "elsewhere")
    walk("run", "-e", "elsewhere/mine.py:Grams", "--collection", walk.card, "--results", "mine", "-q")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    checked = walk("submit", "mine", "--check", code=1)  # the collection has no name here
    assert "not here" in checked.out
