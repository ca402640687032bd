"""Which collections make one table and how its columns are called; keys and choices among stored results."""

from __future__ import annotations

import pytest

from lapca_bench.collections import registry
from lapca_bench.errors import UsageError
from lapca_bench.experiment.columns import by_query_language, places, tables


def labels(group: str) -> list[str]:
    members = registry.expand(group)
    return [place.label for place in places({name: registry.card(name).query_languages for name in members})]


def test_columns_are_called_by_query_language():
    assert labels("help-pages/xx-en") == sorted(labels("help-pages/xx-en"))
    assert {"de", "fr", "zh"} <= set(labels("help-pages/xx-en"))
    assert len(labels("help-pages/mixed")) == 15


def test_columns_are_called_by_document_language_where_all_ask_in_english():
    assert labels("xquad-grid/en-xx")[:2] == ["ar", "de"]
    assert len(labels("tatoeba/reverse")) == 112


def test_columns_are_called_by_collection_where_languages_do_not_tell():
    assert len(labels("xquad-grid/all")) == 144
    assert {"pt-en", "pt-br-en"} <= {label.lower().replace("_", "-") for label in labels("package-descriptions/xx-en")}


def test_pools_that_fill_the_same_columns_are_two_tables():
    with pytest.raises(UsageError, match="queries in the same languages"):
        labels("xquad-r/pools")
    assert tables(["xquad-r/pools"]) == {
        "xquad-r/mixed": ("xquad-r/mixed",),
        "xquad-r/mixed-context": ("xquad-r/mixed-context",),
    }


def test_collections_named_one_by_one():
    alike = tables(["help-pages/de-en", "help-pages/fr-en"])
    assert alike == {"help-pages/de-en, fr-en": ("help-pages/de-en", "help-pages/fr-en")}
    unlike = tables(["help-pages/de-en", "help-pages/de-de"])
    assert list(unlike) == ["help-pages/de-en", "help-pages/de-de"]
    monolingual = tables(["mr-tydi/ar", "mr-tydi/fi"])
    assert len(monolingual) == 1


def test_every_group_makes_tables():
    for group, members in registry.groups().items():
        assert {name for names in tables([group]).values() for name in names} == set(members)


def test_ties_between_collections_are_refused_without_a_group():
    with pytest.raises(UsageError, match="two columns of one name"):
        by_query_language({"x/de-en": ["de"], "x/de-de": ["de"]})
