"""What every family with a catalogue owes: cards without data, measures that exist, groups of its own subsets."""

import re

import pytest

from lapca_bench.collections.bucc import BUCC
from lapca_bench.collections.miracl import MIRACL
from lapca_bench.collections.mkqa import MKQA_BGE, MKQA_CONTRIEVER
from lapca_bench.collections.mrtydi import MR_TYDI
from lapca_bench.collections.parallel_mini.collection import PARALLEL_MINI
from lapca_bench.collections.registry import BUILT_IN
from lapca_bench.collections.sentence_pools.lareqa import MLQA_R, XQUAD_R
from lapca_bench.collections.tatoeba import TATOEBA
from lapca_bench.collections.xor import XOR_RETRIEVE
from lapca_bench.collections.xquad import XQUAD_GRID, XQUAD_RETRIEVAL
from lapca_bench.errors import MissingResourceError, UsageError
from lapca_bench.scoring.measures import parse

FAMILIES = [
    XOR_RETRIEVE,
    MR_TYDI,
    MIRACL,
    MKQA_CONTRIEVER,
    MKQA_BGE,
    TATOEBA,
    BUCC,
    XQUAD_R,
    MLQA_R,
    XQUAD_RETRIEVAL,
    XQUAD_GRID,
    PARALLEL_MINI,
]

each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))


@each
def test_it_is_registered(family):
    assert family.name in BUILT_IN


@each
def test_cards_need_no_data_and_name_measures_that_exist(family):
    for subset in family.subsets():
        card = family.card(subset)
        assert card.name == f"{family.name}/{subset}"
        assert all((card.version, card.licence, card.citation, card.url, card.splits, card.query_languages))
        depths = [parse(measure).depth or 0 for measure in card.policy.measures]
        assert max(depths) <= card.policy.depth


@each
def test_groups_hold_subsets_and_are_not_called_as_one(family):
    subsets = family.subsets()
    assert len(set(subsets)) == len(subsets)
    for group, members in family.groups().items():
        assert group not in subsets
        assert set(members) <= set(subsets)


@each
def test_without_data_it_says_what_is_missing(family):
    if family is PARALLEL_MINI:
        pytest.skip("it is part of the package")
    subset = family.subsets()[0]
    presence = family.presence(subset)
    assert not presence.present
    assert presence.reason
    assert re.search("put (it|them) at", presence.remedy)
    assert list(family.counts(subset)) == []
    with pytest.raises(MissingResourceError, match="not on this machine"):
        family.load(subset, None)


@each
def test_unknown_subsets_and_splits_are_refused(family):
    for ask in (family.card, family.presence, family.counts):
        with pytest.raises(UsageError, match="unknown collection"):
            ask("no-such")
    with pytest.raises(UsageError, match="has no split"):
        family.load(family.subsets()[0], "no-such")
