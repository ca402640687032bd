"""`help-pages`: find the page of the LibreOffice help that a title belongs to, within and across 15 languages.

A page has the same path in every language, which makes the judgements; the title is the query and never part of a
document. Source: Debian's packages libreoffice-help-*.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lapca_bench.collections.base import Collection, CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.help_pages import store
from lapca_bench.digest import digest_value
from lapca_bench.errors import LapcaError, UsageError
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

TRANSLATIONS = ("de", "el", "es", "fi", "fr", "hi", "id", "ja", "km", "ko", "ru", "tr", "vi", "zh")
LANGUAGES = (*TRANSLATIONS[:2], store.ENGLISH, *TRANSLATIONS[2:])
SPLITS = ("test", "train", "heldout")
VERSION = "7.4.7-1+deb12u14"
LICENCE = "MPL-2.0"
CITATION = "The Document Foundation. LibreOffice Help, version 7.4.7, with the translations of its community. 2023."
URL = "https://help.libreoffice.org/7.4/"
_HELDOUT_SHARE = 5  # one page in five

NOTE = (
    "Query: a page's title; relevant: the page with the same path, and every page of the same language that shares the "
    "title. A title equal to the English one (case aside) is no query. Document: headings and paragraphs of the page "
    "without its title and without paragraphs that are only a link, at least 30 words (ja, km, zh: characters worth 30 "
    "English words); of a translation only what differs from the English paragraph with the same id. Pages whose title "
    "or text another page repeats are left out, in every language those whose English page is. Of inline switches "
    "(Command or Ctrl) the default is kept. Names of functions and programs stay untranslated inside titles and texts, "
    "which helps lexical systems. zh is mainland Chinese (zh-CN). Splits: test is everything; train and heldout part "
    "the pages 4 to 1 by a hash of the path, over the same documents."
)


def held_out(page: str) -> bool:
    """Whether a page is in the held-out fifth: fixed for ever by its path, the same in every language."""
    return hashlib.sha256(f"help-pages:{page}".encode()).digest()[0] % _HELDOUT_SHARE == 0


def in_split(pages: Sequence[str], split: str) -> bool:
    """Whether a query about these pages belongs to `split`; none in train touches a held-out page."""
    return split == "test" or any(held_out(page) for page in pages) == (split == "heldout")


def document_id(language: str, page: str) -> str:
    """The id of a document, unique over all languages."""
    return f"{language}/{page}"


@dataclass(frozen=True)
class HelpPages:
    """One subset of the family: titles of `card.query_languages` against pages of `card.document_languages`."""

    card: CollectionCard
    split: str
    fingerprint: str

    def documents(self) -> Iterator[Document]:
        """The pages, language after language, by path."""
        for language in self.card.document_languages:
            for page, text in store.edition(language).documents().items():
                yield Document(document_id(language, page), text, language=language)

    def queries(self) -> Sequence[Query]:
        """The titles, language after language, by the first page that bears them."""
        return [Query(f"{language}:{pages[0]}", title, language) for language, title, pages in self._asked()]

    def relevance(self) -> Qrels:
        """The pages of each title, in every document language that has them."""
        present = {language: store.edition(language).documents() for language in self.card.document_languages}
        return Qrels(
            {
                f"{language}:{pages[0]}": {
                    document_id(code, page): 1 for code, texts in present.items() for page in pages if page in texts
                }
                for language, _, pages in self._asked()
            }
        )

    def _asked(self) -> Iterator[tuple[str, str, list[str]]]:
        """(language, title, pages that bear it) of every query of the split."""
        english = store.edition(store.ENGLISH)
        originals, known = english.titles(), english.documents()
        monolingual = len(self.card.document_languages) == 1 and self.card.document_languages[0] != store.ENGLISH
        for language in self.card.query_languages:
            answerable = store.edition(language).documents() if monolingual else known
            bearers: dict[str, list[str]] = {}
            for page, title in store.edition(language).titles().items():
                translated = language == store.ENGLISH or title.casefold() != originals.get(page, "").casefold()
                if title and page in answerable and translated:
                    bearers.setdefault(title, []).append(page)
            for title, pages in bearers.items():
                if in_split(pages, self.split):
                    yield language, title, pages


class HelpPagesFamily:
    """The family: `xx-en` (titles in xx, English pages), `xx-xx` (both in xx), `mixed` (all in one pool)."""

    name = "help-pages"

    def subsets(self) -> Sequence[str]:
        """Cross-lingual, monolingual, mixed."""
        return (
            *(f"{code}-{store.ENGLISH}" for code in TRANSLATIONS),
            *(f"{code}-{code}" for code in LANGUAGES),
            "mixed",
        )

    def groups(self) -> Mapping[str, Sequence[str]]:
        """The three tables."""
        return {
            "xx-en": tuple(f"{code}-{store.ENGLISH}" for code in TRANSLATIONS),
            "xx-xx": tuple(f"{code}-{code}" for code in LANGUAGES),
            "mixed": ("mixed",),
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        asked: tuple[str, ...]
        sought: tuple[str, ...]
        if subset == "mixed":
            asked = sought = LANGUAGES
            title = "LibreOffice help, titles and pages of 15 languages in one pool"
        else:
            asked, sought = ((code,) for code in subset.split("-"))
            title = f"LibreOffice help, titles in {asked[0]}, pages in {sought[0]}"
        return CollectionCard(
            name=f"{self.name}/{subset}",
            family=self.name,
            title=title,
            version=f"{VERSION}, recipe {store.RECIPE}",
            licence=LICENCE,
            citation=CITATION,
            url=URL,
            policy=Policy(measures=("nDCG@10", "RR@10", "R@100"), translations="{language}:{query}"),
            query_languages=asked,
            document_languages=sought,
            splits=SPLITS,
            note=NOTE,
        )

    def presence(self, subset: str) -> Presence:
        """Whether the packages of all its languages are here."""
        return presence_of(self.card(subset))

    def load(self, subset: str, split: str | None) -> HelpPages:
        """One subset; the pages are parsed on first use."""
        card = self.card(subset)
        return HelpPages(card, checked_split(card, split), fingerprint(card, split))

    def counts(self, subset: str) -> Sequence[Count]:
        """Documents and queries beside those of the pinned version."""
        return expected_counts(self.load(subset, None))


def presence_of(card: CollectionCard) -> Presence:
    """Whether the packages of a card's languages are here."""
    try:
        for language in {store.ENGLISH, *card.query_languages, *card.document_languages}:
            store.find_source(language)
    except LapcaError as error:
        return Presence(False, error.message, error.remedy or "", (store.RESOURCE,))
    return Presence(present=True)


def checked_split(card: CollectionCard, split: str | None) -> str:
    """The split asked for, "test" by default; raises `UsageError` for one that the card lacks."""
    if split is not None and split not in card.splits:
        raise UsageError(f"{card.name} has no split {split!r}", remedy=f"one of: {', '.join(card.splits)}")
    return split or card.splits[0]


def fingerprint(card: CollectionCard, split: str | None) -> str:
    """A digest over name, split and the packages of all its languages."""
    languages = {store.ENGLISH, *card.query_languages, *card.document_languages}
    editions = {language: store.edition_key(language) for language in languages}
    return digest_value({"name": card.name, "split": checked_split(card, split), "editions": editions})


@cache
def _pinned_counts() -> dict[str, tuple[int, int]]:
    text = files(__package__).joinpath("counts.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["collection"]: (int(row["documents"]), int(row["queries"])) for row in rows}


def expected_counts(collection: Collection) -> tuple[Count, Count]:
    """Documents and queries of the whole collection beside those counted in the pinned version."""
    documents, queries = _pinned_counts()[collection.card.name]
    return (
        Count("documents", documents, sum(1 for _ in collection.documents())),
        Count("queries", queries, len(collection.queries())),
    )


HELP_PAGES = HelpPagesFamily()
