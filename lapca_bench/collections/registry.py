"""Finding collections by name: the families of this package and those that plug-ins bring."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from lapca_bench.collections.base import Collection, CollectionCard
from lapca_bench.collections.catalogue import CatalogueFamily
from lapca_bench.collections.family import Count, Family, Presence
from lapca_bench.errors import unknown_name

CARD_ENDING = ".toml"
ENTRY_POINTS = "lapca_bench.collections"

# Module and attribute of each built-in family. An attribute holds the family itself; modules load on first use.
BUILT_IN = {
    "parallel-mini": "lapca_bench.collections.parallel_mini.collection:PARALLEL_MINI",
    "help-pages": "lapca_bench.collections.help_pages.collection:HELP_PAGES",
    "help-pages-bitext": "lapca_bench.collections.help_pages.bitext:HELP_PAGES_BITEXT",
    "package-descriptions": "lapca_bench.collections.package_descriptions:PACKAGE_DESCRIPTIONS",
    "irds": "lapca_bench.collections.irds:IRDS",
    "xor-retrieve": "lapca_bench.collections.xor:XOR_RETRIEVE",
    "mr-tydi": "lapca_bench.collections.mrtydi:MR_TYDI",
    "miracl": "lapca_bench.collections.miracl:MIRACL",
    "mkqa-contriever": "lapca_bench.collections.mkqa:MKQA_CONTRIEVER",
    "mkqa-bge": "lapca_bench.collections.mkqa:MKQA_BGE",
    "tatoeba": "lapca_bench.collections.tatoeba:TATOEBA",
    "bucc": "lapca_bench.collections.bucc:BUCC",
    "xquad-r": "lapca_bench.collections.sentence_pools.lareqa:XQUAD_R",
    "mlqa-r": "lapca_bench.collections.sentence_pools.lareqa:MLQA_R",
    "lareqa-like": "lapca_bench.collections.question_sets.collection:LAREQA_LIKE",
    "xquad-retrieval": "lapca_bench.collections.xquad:XQUAD_RETRIEVAL",
    "xquad-grid": "lapca_bench.collections.xquad:XQUAD_GRID",
}


@runtime_checkable
class OpenFamily(Family, Protocol):
    """A family that does not list its subsets."""

    def has(self, subset: str) -> bool:
        """Whether `subset` may be one."""


@cache
def families() -> dict[str, Family]:
    """All families by name: built-in first, then plug-ins (an entry point names an object with `Family`'s members)."""
    found: dict[str, Family] = {}
    for name, place in BUILT_IN.items():
        module, attribute = place.split(":")
        found[name] = getattr(import_module(module), attribute)
    for point in entry_points(group=ENTRY_POINTS):
        family = point.load()
        found.setdefault(family.name, family)
    return found


def names() -> list[str]:
    """Every collection, as "family/subset"."""
    return [f"{family.name}/{subset}" for family in families().values() for subset in family.subsets()]


def groups() -> dict[str, tuple[str, ...]]:
    """Every group, as "family/group", with the collections it stands for."""
    return {
        f"{family.name}/{group}": tuple(f"{family.name}/{subset}" for subset in subsets)
        for family in families().values()
        for group, subsets in family.groups().items()
    }


def expected_documents(name: str) -> tuple[str, int] | None:
    """The name of a collection's corpus and its published count, for plans; None where none is published."""
    family, _, subset = name.partition("/")
    found = families().get(family)
    return found.expected_documents(subset) if isinstance(found, CatalogueFamily) else None


def expand(name: str) -> tuple[str, ...]:
    """The collections that `name` stands for: itself (also the path of a card), a group's, or a family's first group.

    Raises `UsageError` with the nearest names where nothing is called so.
    """
    known_groups = groups()
    if name in known_groups:
        return known_groups[name]
    family = families().get(name)
    if family is not None:
        first = next(iter(family.groups().values()), family.subsets())
        return tuple(f"{name}/{subset}" for subset in first)
    _resolve(name)
    return (name,)


def _resolve(name: str) -> tuple[Family, str]:
    if name.endswith(CARD_ENDING):
        from lapca_bench.collections.files import CardFamily

        return CardFamily(Path(name)), ""
    family_name, _, subset = name.partition("/")
    family = families().get(family_name)
    if isinstance(family, OpenFamily) and family.has(subset):
        return family, subset
    if family is None or subset not in family.subsets():
        raise unknown_name("collection", name, [*names(), *groups(), *families()])
    return family, subset


def card(name: str) -> CollectionCard:
    """Facts and policy of one collection; needs no data."""
    family, subset = _resolve(name)
    return family.card(subset)


def status(name: str) -> Presence:
    """Whether its files are here."""
    family, subset = _resolve(name)
    return family.presence(subset)


def load(name: str, split: str | None = None) -> Collection:
    """One collection, by name or by the path of its card.

    Raises `UsageError` for an unknown name or split, `MissingResourceError` where files are absent, `InputError` for
    malformed ones.
    """
    family, subset = _resolve(name)
    return family.load(subset, split)


def check(name: str) -> Sequence[Count]:
    """Expected and found counts of one collection."""
    family, subset = _resolve(name)
    return family.counts(subset)
