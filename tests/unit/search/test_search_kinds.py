"""The kinds of systems: what a card of each is read as."""

import subprocess
import sys

import pytest

from lapca_bench.errors import UsageError
from lapca_bench.search import registry
from lapca_bench.search.card import SystemCard
from lapca_bench.search.kinds import KINDS, read_card
from lapca_bench.search.lexical.bm25 import BM25Card
from lapca_bench.search.not_run import NotRunCard
from lapca_bench.search.own_builder import OwnBuilderCard

CARD = """name = "mine"
title = "Mine"
kind = "{kind}"
licence = "MIT"
citation = "me"
url = "https://example.org"
languages = ["*"]
"""
ENCODER = """[encoder]
type = "transformer"
checkpoint = "here"
delta = "d.safetensors"
pooling = "mean"
"""


def card(folder, kind, rest=""):
    path = folder / "mine.toml"
    path.write_text(CARD.format(kind=kind) + rest)
    return read_card(path)


def refused(folder, kind, rest=""):
    with pytest.raises(UsageError) as raised:
        card(folder, kind, rest)
    return raised.value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_one_table_of_its_own_which_is_required(kind):
    (table,) = (name for name in kind.model_fields if name not in SystemCard.model_fields)
    assert kind.model_fields[table].is_required()


def test_the_table_of_a_kind_is_required_and_no_other_is_taken(tmp_path):
    assert isinstance(card(tmp_path, "bm25", "[bm25]\n"), BM25Card)
    lacking = refused(tmp_path, "bm25")
    assert (lacking.key, lacking.message) == ("bm25", "this key is missing")
    surplus = refused(tmp_path, "bm25", '[bm25]\n[margin]\nsystem = "x"\n')
    assert (surplus.key, surplus.line, surplus.message) == ("margin", 9, "unknown key")


@pytest.mark.parametrize("kind", ["psychic", "bm52"])
def test_an_unknown_kind_is_told_with_all_kinds(tmp_path, kind):
    error = refused(tmp_path, kind, "[bm25]\n")
    assert (error.key, error.line) == ("kind", 3)
    assert error.message.startswith(f"kind '{kind}' needs a builder (kinds without one: dense, sparse, ")


def test_a_builder_may_use_the_tables_of_all_kinds(tmp_path):
    made = card(tmp_path, "own", f'builder = "mine:build"\n{ENCODER}[margin]\nsystem = "other"\n[settings]\nany = 1\n')
    assert isinstance(made, OwnBuilderCard)
    assert (made.settings, made.parts) == ({"any": 1}, ("other",))
    assert [model.delta for model in made.models] == [str(tmp_path / "d.safetensors")]


def test_a_builder_takes_the_place_of_a_known_kind(tmp_path):
    made = card(tmp_path, "bm25", 'builder = "mine:build"\n')
    assert isinstance(made, OwnBuilderCard)
    assert not isinstance(made, BM25Card)
    assert "unknown key" in refused(tmp_path, "bm25", 'builder = "mine:build"\n[bm52]\n').message


@pytest.mark.parametrize("kind", ["published", "not-retrieval"])
def test_what_does_not_run_has_a_reason_and_nothing_else_has(tmp_path, kind):
    assert refused(tmp_path, kind).key == "reason"
    assert refused(tmp_path, "bm25", 'reason = "lazy"\n[bm25]\n').key == "reason"
    assert isinstance(card(tmp_path, kind, 'reason = "known from print"\n'), NotRunCard)
    with pytest.raises(UsageError, match="mine does not run: known from print"):
        registry.build_system(str(tmp_path / "mine.toml"))
    assert registry.status(str(tmp_path / "mine.toml")).reason == "known from print"


def test_a_card_without_a_kind_is_told_what_it_lacks(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n')
    with pytest.raises(UsageError, match="missing: title, kind, licence, citation, url, languages"):
        read_card(path)


def test_cards_are_read_without_any_library_that_runs_them():
    heavy = "{'torch', 'transformers', 'faiss', 'jnius', 'pyserini', 'ranx', 'scipy', 'onnxruntime'}"
    code = f"import sys\nfrom lapca_bench.search import registry\nregistry.cards()\nprint(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
