"""Gold alignment of help pages by paragraph, and `help-pages-bitext`: find the English paragraph of a translation.

A paragraph has the same id on the same page in every language. Two languages are aligned where both have text of their
own: a translation that repeats the English text is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.help_pages import store
from lapca_bench.collections.help_pages.collection import (
    CITATION,
    LICENCE,
    SPLITS,
    TRANSLATIONS,
    URL,
    VERSION,
    checked_split,
    expected_counts,
    fingerprint,
    held_out,
    presence_of,
)
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

_MINIMUM_CHARACTERS = 21  # shorter ones are labels ("Type:", "OK") that repeat on hundreds of pages

NOTE = (
    "Query: a paragraph or heading of more than 20 characters in the translation, where it differs from the English "
    "text; relevant: every English text that it translates somewhere. Documents: all English paragraphs and headings "
    "of more than 20 characters, the same pool for every language. Each text counts once. Splits as in help-pages: "
    "train holds no text that also occurs on a held-out page."
)

Key = tuple[str, str]  # page, paragraph id


@dataclass(frozen=True, slots=True)
class AlignedParagraph:
    """The same paragraph in two languages."""

    page: str
    id: str
    first: str
    second: str


def paragraphs(language: str) -> dict[Key, str]:
    """Text by (page, paragraph id): everything in English, what is translated in another language.

    Raises `MissingResourceError` where the language's package is not here.
    """
    units = store.edition(language).units()
    if language == store.ENGLISH:
        return units
    english = store.edition(store.ENGLISH).units()
    return {key: text for key, text in units.items() if english.get(key) != text}


def aligned_paragraphs(first: str, second: str, split: str = "test") -> Iterator[AlignedParagraph]:
    """Paragraphs that both languages have, in page order, each pair of texts once.

    `split` "test" is everything, "heldout" what occurs on a held-out page, "train" the rest: no text of a train pair,
    in either language, stands on a held-out page.
    """
    one, other = paragraphs(first), paragraphs(second)
    hidden = {text for units in (one, other) for (page, _), text in units.items() if held_out(page)}
    seen: set[tuple[str, str]] = set()
    for (page, identifier), text in one.items():
        translation = other.get((page, identifier))
        if translation is None or (text, translation) in seen:
            continue
        seen.add((text, translation))
        if split == "test" or (text in hidden or translation in hidden) == (split == "heldout"):
            yield AlignedParagraph(page, identifier, text, translation)


def _long(text: str) -> bool:
    return len(text) >= _MINIMUM_CHARACTERS


@dataclass(frozen=True)
class HelpPagesBitext:
    """Translated paragraphs of one language against all English ones."""

    card: CollectionCard
    split: str
    fingerprint: str

    def documents(self) -> Iterator[Document]:
        """The English texts, by the first place where each stands."""
        for text, key in _places().items():
            yield Document(_document_id(key), text, language=store.ENGLISH)

    def queries(self) -> Sequence[Query]:
        """The translated texts, by the first place where each stands."""
        language = self.card.query_languages[0]
        return [Query(identifier, text, language) for identifier, (text, _) in self._asked().items()]

    def relevance(self) -> Qrels:
        """The English texts that each translates."""
        places = _places()
        return Qrels(
            {
                identifier: {_document_id(places[original]): 1 for original in originals}
                for identifier, (_, originals) in self._asked().items()
            }
        )

    def _asked(self) -> dict[str, tuple[str, list[str]]]:
        """(text, English texts that it translates) by query id."""
        language = self.card.query_languages[0]
        asked: dict[str, tuple[str, list[str]]] = {}
        first: dict[str, str] = {}
        for pair in aligned_paragraphs(language, store.ENGLISH, self.split):
            if _long(pair.first) and _long(pair.second):
                identifier = first.setdefault(pair.first, f"{language}:{pair.page}#{pair.id}")
                asked.setdefault(identifier, (pair.first, []))[1].append(pair.second)
        return asked


@lru_cache(maxsize=1)
def _places_of(_key: str) -> dict[str, Key]:
    places: dict[str, Key] = {}
    for key, text in paragraphs(store.ENGLISH).items():
        if _long(text):
            places.setdefault(text, key)
    return places


def _places() -> dict[str, Key]:
    """The first (page, id) of every English text in the pool."""
    return _places_of(store.edition_key(store.ENGLISH))


def _document_id(key: Key) -> str:
    return f"{store.ENGLISH}/{key[0]}#{key[1]}"


class HelpPagesBitextFamily:
    """The family: one subset per translation."""

    name = "help-pages-bitext"

    def subsets(self) -> Sequence[str]:
        """`xx-en` for each translation."""
        return tuple(f"{code}-{store.ENGLISH}" for code in TRANSLATIONS)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """One table."""
        return {"xx-en": self.subsets()}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        language = subset.partition("-")[0]
        return CollectionCard(
            name=f"{self.name}/{subset}",
            family=self.name,
            title=f"LibreOffice help, paragraphs in {language} and in {store.ENGLISH}",
            version=f"{VERSION}, recipe {store.RECIPE}",
            licence=LICENCE,
            citation=CITATION,
            url=URL,
            policy=Policy(("Accuracy", "RR@10"), depth=10, translations="{language}:{query}", task="bitext"),
            query_languages=(language,),
            document_languages=(store.ENGLISH,),
            splits=SPLITS,
            note=NOTE,
        )

    def presence(self, subset: str) -> Presence:
        """Whether both packages are here."""
        return presence_of(self.card(subset))

    def load(self, subset: str, split: str | None) -> HelpPagesBitext:
        """One subset; the pages are parsed on first use."""
        card = self.card(subset)
        return HelpPagesBitext(card, checked_split(card, split), fingerprint(card, split))

    def counts(self, subset: str) -> Sequence[Count]:
        """Documents and queries beside those of the pinned version."""
        return expected_counts(self.load(subset, None))


HELP_PAGES_BITEXT = HelpPagesBitextFamily()
