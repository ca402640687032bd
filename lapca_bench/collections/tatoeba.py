"""Tatoeba: 112 sets of up to 1,000 sentence pairs with English; each sentence must find its translation.

LASER's test set (Artetxe and Schwenk, TACL 2019). Gold is the line number. `tatoeba/deu-eng` puts German sentences to
English ones, which is the direction of XTREME and MTEB; `tatoeba/eng-deu` the other way. Accuracy and F1 read the
first sentence of a run; ten are kept, so that near misses can be looked at. The xSIM error needs the vectors of both
sides and is computed from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, refuse_unequal
from lapca_bench.collections.sources import Source
from lapca_bench.errors import InputError
from lapca_bench.inputs.text import lines
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

ENGLISH = "eng"

_POLICY = Policy(measures=("Accuracy", "F1"), depth=10, task="bitext")
_ORIGIN = "https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1"


def _source(pair: str, language: str) -> Source:
    name = f"tatoeba.{pair}-{ENGLISH}.{language}"
    places = (f"tatoeba/data/tatoeba/v1/{name}", f"tatoeba/v1/{name}", f"tatoeba/{name}")
    return Source(f"Tatoeba {pair}-{ENGLISH} ({language})", places, _ORIGIN, "tatoeba")


def _sentences(path: Path) -> Iterator[str]:
    for number, line in lines(path):
        if not line.strip():
            message = "an empty line, which would shift the alignment of all that follow"
            raise InputError(message, path=path, line=number, remedy="fetch the file again")
        yield line.strip()


class Tatoeba(CatalogueFamily):
    """`tatoeba/<question language>-<document language>`, one of which is English."""

    def subsets(self) -> Sequence[str]:
        """All languages to English, then English to all."""
        return (*self._to_english(self.catalogue.expected), *self._from_english(self.catalogue.expected))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all` to English, `reverse` from English, and the subsets that papers report, both ways."""
        languages = self.catalogue.groups
        return {
            "all": self._to_english(self.catalogue.expected),
            "reverse": self._from_english(self.catalogue.expected),
            **{name: self._to_english(chosen) for name, chosen in languages.items()},
            **{f"{name}-reverse": self._from_english(chosen) for name, chosen in languages.items()},
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy; languages are the ISO 639-3 codes of the files."""
        self.check_subset(subset)
        asked, found = subset.split("-")
        return self.make_card(subset, _POLICY, ((asked,), (found,)), ("test",), f"Tatoeba, {asked} to {found}")

    def presence(self, subset: str) -> Presence:
        """Whether both sides of the pair are here."""
        return presence_of(self._sources(subset))

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One direction of one pair; refuses sides of unequal length and files that were cut short."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        paths = [source.path() for source in self._sources(subset)]
        asked, found = subset.split("-")
        sides = [list(_sentences(path)) for path in paths]
        for path, count in zip(paths, self._counts(subset, sides), strict=True):
            refuse_unequal([count], path, card.version)
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"queries": paths[:1], "documents": paths[1:]}),
            lambda: (Document(f"{found}-{i:04d}", text, language=found) for i, text in enumerate(sides[1])),
            tuple(Query(f"{asked}-{i:04d}", text, asked) for i, text in enumerate(sides[0])),
            Qrels({f"{asked}-{i:04d}": {f"{found}-{i:04d}": 1} for i in range(len(sides[0]))}),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Sentences on each side, where both are here."""
        sources = self._sources(subset)
        if not presence_of(sources).present:
            return ()
        return self._counts(subset, [list(_sentences(source.path())) for source in sources])

    def _sources(self, subset: str) -> list[Source]:
        self.check_subset(subset)
        sides = subset.split("-")
        return [_source(self._pair(subset), side) for side in sides]

    def _counts(self, subset: str, sides: Sequence[Sequence[str]]) -> list[Count]:
        expected = self.catalogue.expected[self._pair(subset)]
        return [Count(f"{what} ({subset})", expected, len(side)) for what, side in zip(_ROLES, sides, strict=True)]

    @staticmethod
    def _pair(subset: str) -> str:
        return next(side for side in subset.split("-") if side != ENGLISH)

    @staticmethod
    def _to_english(languages: Sequence[str] | Mapping[str, object]) -> tuple[str, ...]:
        return tuple(f"{language}-{ENGLISH}" for language in languages)

    @staticmethod
    def _from_english(languages: Sequence[str] | Mapping[str, object]) -> tuple[str, ...]:
        return tuple(f"{ENGLISH}-{language}" for language in languages)


_ROLES = ("queries", "documents")

TATOEBA = Tatoeba("tatoeba")
