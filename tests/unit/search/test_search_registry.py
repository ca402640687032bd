import pytest
from toys.search import ToyCollection

from lapca_bench import extras
from lapca_bench.errors import InputError, MissingResourceError, UsageError
from lapca_bench.extras import installing
from lapca_bench.search import registry
from lapca_bench.search.kinds import read_card
from lapca_bench.search.registry import Workspace
from lapca_bench.search.system import SystemIdentity

CARD = """name = "{name}"
title = "T"
kind = "{kind}"
licence = "MIT"
citation = "me"
url = "https://example.org"
languages = ["*"]
{rest}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of cards that takes the place of the installed ones."""

    class Point:
        name, value = "test", "test:cards"

        def load(self):
            return lambda: tmp_path / "cards"

    (tmp_path / "cards").mkdir()
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])
    registry.cards.cache_clear()
    yield tmp_path / "cards"
    registry.cards.cache_clear()


def write(folder, name, kind, rest, file=None):
    path = folder / f"{file or name}.toml"
    path.write_text(CARD.format(name=name, kind=kind, rest=rest))
    return path


class Nothing:
    """A system of a kind of its own."""

    name = "nothing"
    identity = SystemIdentity("nothing", {})

    def search(self, collection, queries, k):
        raise NotImplementedError


def build_nothing(card, workspace):
    return Nothing()


def build_wrongly(card, workspace):
    return ToyCollection([])


def test_the_cards_of_this_project_are_read():
    found = registry.cards()
    assert {"bm25", "me5-small-q4", "bm25+me5-small-q4", "use-multilingual"} <= set(found)
    assert all(card.licence and card.citation and card.url for card in found.values())


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UsageError, match="did you mean bm25"):
        registry.find_card("bm52")


def test_two_cards_of_one_name_are_refused(folder):
    write(folder, "same", "bm25", "[bm25]")
    write(folder, "same", "bm25", "[bm25]", file="other")
    with pytest.raises(InputError, match="has a card in"):
        registry.cards()


def test_a_card_by_its_path(folder, tmp_path):
    path = write(tmp_path, "mine", "bm25", "[bm25]\nk1 = 2.0")
    assert registry.find_card(str(path)).name == "mine"
    assert registry.build_system(str(path), Workspace(tmp_path / "cache")).name == "mine"


def test_a_builder_makes_a_system_of_its_own_kind(folder):
    write(folder, "own", "nothing", 'builder = "test_search_registry:build_nothing"')
    assert registry.build_system("own").identity.kind == "nothing"
    assert registry.status("own").ok


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        ("no_such_module:build", "cannot be imported"),
        ("test_search_registry:no_such", "cannot be imported"),
        ("test_search_registry:build_wrongly", "returned ToyCollection, which is no System"),
    ],
)
def test_a_wrong_builder_is_named(folder, builder, message):
    write(folder, "own", "nothing", f'builder = "{builder}"')
    with pytest.raises(UsageError, match=message):
        registry.build_system("own")


def test_a_system_made_of_itself_is_refused(folder):
    write(folder, "a", "fusion", '[fusion]\nsystems = ["b", "b"]')
    write(folder, "b", "fusion", '[fusion]\nsystems = ["a", "a"]')
    with pytest.raises(UsageError, match="made of itself"):
        registry.build_system("a")
    assert "made of itself" in registry.status("a").reason


@pytest.mark.parametrize("kind", ["margin", "fields", "spanned"])
def test_what_is_built_on_a_dense_system_wants_one(folder, kind):
    write(folder, "words", "bm25", "[bm25]")
    write(folder, "m", kind, f'[{kind}]\nsystem = "words"')
    with pytest.raises(UsageError, match="words is no dense system") as raised:
        registry.build_system("m")
    assert raised.value.key == f"{kind}.system"


def test_missing_extras_are_named(folder, monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "lexical", extras.Extra("a test", {"no-such-package": "no_such_module"}))
    write(folder, "words", "bm25", 'requires = ["lexical"]\n[bm25]')
    with pytest.raises(MissingResourceError, match="no_such_module") as raised:
        registry.build_system("words")
    assert raised.value.remedy == installing("lexical")
    status = registry.status("words")
    assert not status.ok
    assert "no_such_module" in status.reason


def test_an_unknown_extra_is_refused_with_the_nearest(folder):
    path = write(folder, "words", "bm25", 'requires = ["lexicla"]\n[bm25]')
    with pytest.raises(UsageError, match=r"unknown extra 'lexicla' .*lexical") as raised:
        read_card(path)
    assert raised.value.path == path
    assert "requires" in raised.value.key
    assert raised.value.line is not None


def test_a_package_whose_cards_cannot_be_found_is_named(monkeypatch):
    class Point:
        name, value = "broken", "broken:cards"

        def load(self):
            raise ModuleNotFoundError("No module named 'broken'")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])
    registry.cards.cache_clear()
    with pytest.raises(UsageError, match="broken"):
        registry.cards()
    registry.cards.cache_clear()
