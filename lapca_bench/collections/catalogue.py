"""`Catalogue`: what is published about a family (version, licence, citation, counts): `catalog/<family>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Presence
from lapca_bench.collections.sources import Source, fetching
from lapca_bench.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Catalogue:
    """Published facts. `expected` and `digests` are nested tables; each family knows the shape of its own.

    `blanks`: whether the questions of files in SQuAD's format keep those at their ends.
    """

    title: str
    version: str
    licence: str
    citation: str
    url: str
    note: str = ""
    counts_from: str = ""
    expected: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    blanks: Literal["kept", "stripped"] = "kept"

    def count(self, *keys: str) -> int | None:
        """The expected count under `keys`; None where nothing was published."""
        value = _descend(self.expected, keys)
        return value if isinstance(value, int) else None

    def digest(self, *keys: str) -> str | None:
        """The expected digest under `keys`; None where none is known."""
        value = _descend(self.digests, keys)
        return value if isinstance(value, str) else None


def _descend(table: Mapping[str, Any], keys: Sequence[str]) -> Any:
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def read_catalogue(name: str) -> Catalogue:
    """The catalogue of the family `name`."""
    text = (files(__package__) / "catalog" / f"{name}.toml").read_text("utf-8")
    return Catalogue(**tomllib.loads(text))


class CatalogueFamily:
    """The part of a `Family` that is the same for all that have a catalogue."""

    def __init__(self, name: str, catalogue: Catalogue | None = None) -> None:
        """`name` is the part before the slash; `catalogue` defaults to the one of that name in this package."""
        self.name = name
        self._given = catalogue

    @cached_property
    def catalogue(self) -> Catalogue:
        """The published facts."""
        return self._given or read_catalogue(self.name)

    def subsets(self) -> Sequence[str]:
        """All subsets."""
        raise NotImplementedError

    def expected_documents(self, subset: str) -> tuple[str, int] | None:
        """The name of a subset's corpus, which all of a family may share, and its published count; needs no data."""
        own, shared = self.catalogue.count(subset, "documents"), self.catalogue.count("documents")
        if own is not None:
            return f"{self.name}/{subset}", own
        return None if shared is None else (self.name, shared)

    def make_card(
        self,
        subset: str,
        policy: Policy,
        languages: tuple[Sequence[str], Sequence[str]],
        splits: Sequence[str],
        title: str,
        note: str = "",
    ) -> CollectionCard:
        """A card with the catalogue's facts; `languages` are those of the queries and of the documents."""
        facts = self.catalogue
        return CollectionCard(
            name=f"{self.name}/{subset}",
            family=self.name,
            title=title,
            version=facts.version,
            licence=facts.licence,
            citation=facts.citation,
            url=facts.url,
            policy=policy,
            query_languages=tuple(languages[0]),
            document_languages=tuple(languages[1]),
            splits=tuple(splits),
            note=" ".join(part for part in (facts.note, note) if part),
        )

    def check_subset(self, subset: str) -> None:
        """Raise `UsageError` where the family has no such subset (a language that it lacks)."""
        if subset not in self.subsets():
            raise unknown_name("collection", f"{self.name}/{subset}", [f"{self.name}/{s}" for s in self.subsets()])

    def pick_split(self, card: CollectionCard, split: str | None) -> str:
        """`split`, or the card's first one, which is the default; raises `UsageError` for one it does not have."""
        if split is not None and split not in card.splits:
            raise UsageError(f"{card.name} has no split {split!r}", remedy=f"splits: {', '.join(card.splits)}")
        return split or card.splits[0]


def presence_of(sources: Sequence[Source]) -> Presence:
    """Whether all `sources` are here; the reason names all that are not, and the remedy brings them at once."""
    missing = [source for source in sources if not source.parts()]
    if not missing:
        return Presence(True)
    named = "; ".join(source.what for source in missing)
    wanted = tuple(dict.fromkeys(source.resource for source in missing if source.can_be_fetched))
    by_hand = [source for source in missing if not source.can_be_fetched]
    if len(missing) == 1:
        remedy = missing[0].remedy()
    elif not by_hand:
        places = ", ".join(source.place() for source in missing)
        remedy = f"{fetching(wanted)}; or get them yourself and put them at {places}"
    else:
        remedy = "; ".join([*([fetching(wanted)] if wanted else []), *(source.remedy() for source in by_hand)])
    return Presence(False, f"{named}: not on this machine", remedy, wanted)
