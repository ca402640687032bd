"""Names: every collection is found by its own, groups stand for their members, mistakes get the nearest names."""

import subprocess
import sys

import pytest

from lapca_bench import collections
from lapca_bench.collections import card, expand, groups, names, status
from lapca_bench.errors import UsageError


def test_names_are_unique_and_their_cards_agree():
    assert len(names()) == len(set(names()))
    for name in names():
        found = card(name)
        assert (found.name, found.family) == (name, name.partition("/")[0])
        assert found.licence
        assert found.citation
        assert found.splits
        assert found.policy.measures


def test_groups_stand_for_collections():
    known = set(names())
    for group, members in groups().items():
        assert members, group
        assert set(members) <= known
        assert expand(group) == members


def test_a_bare_family_is_its_first_group():
    assert expand("help-pages") == expand("help-pages/xx-en")
    assert expand("help-pages/mixed") == ("help-pages/mixed",)
    assert len(expand("help-pages/xx-en")) == 14


@pytest.mark.parametrize("wrong", ["help-pages/de-ne", "helppages", "help-pages/", "/", "", "irds/", "irds/../x"])
def test_an_unknown_name_gets_the_nearest(wrong):
    with pytest.raises(UsageError):
        card(wrong)


def test_the_nearest_name_is_shown():
    with pytest.raises(UsageError) as caught:
        expand("help-pages/de-ne")
    assert "help-pages/de-en" in caught.value.remedy


def test_status_needs_no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    for name in names():
        found = status(name)
        if name.startswith("parallel-mini/"):  # part of the package
            assert found.present
            continue
        assert not found.present
        assert found.reason
        assert found.remedy


def test_importing_the_room_is_cheap():
    heavy = "{'torch', 'pyarrow', 'pandas', 'ir_datasets', 'pydantic', 'ranx'}"
    code = f"import lapca_bench.collections as c, sys; c.names(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_public_names():
    for name in collections.__all__:
        assert getattr(collections, name)
