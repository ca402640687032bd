"""The help pages as linked text: gold paragraph ids, and the split that keeps evaluation text out of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lapca_bench.collections.help_pages import store as helppages_store
from lapca_bench.collections.help_pages.collection import LANGUAGES, LICENCE, held_out
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph

TextSplit = Literal["train", "held-out", "all"]


class HelpPagesCorpus:
    """Pages of the collection `help-pages`, its training part by default.

    A paragraph that repeats the English text is untranslated and is left out of the other languages. Help pages repeat
    each other: what a held-out page says or is titled, in any language, is left out of the training pages.
    """

    name = "help-pages"
    licence = LICENCE

    def __init__(self, languages: Sequence[str] = LANGUAGES, split: TextSplit = "train") -> None:
        self._languages = tuple(languages)
        self._split = split

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """Pages by path; raises `MissingResourceError` where the packages are not here."""
        english = helppages_store.edition(helppages_store.ENGLISH).units()
        editions = {language: self._pages(language, english) for language in self._languages}
        guard = Guard()
        if self._split == "train":
            guard = Guard.over(page for pages in editions.values() for page in pages.values() if held_out(page.link))
        for path in sorted({path for pages in editions.values() for path in pages}):
            if self._split == "all" or held_out(path) == (self._split == "held-out"):
                group = (guard.clean(pages[path]) for pages in editions.values() if path in pages)
                if left := [page for page in group if page.paragraphs]:
                    yield left

    def _pages(self, language: str, english: dict[tuple[str, str], str]) -> dict[str, LinkedPage]:
        edition = helppages_store.edition(language)
        titles = edition.titles()
        if language != helppages_store.ENGLISH:  # a title that repeats the English one is not translated
            originals = helppages_store.edition(helppages_store.ENGLISH).titles()
            titles = {path: title for path, title in titles.items() if title != originals.get(path)}
        paragraphs: dict[str, list[LinkedParagraph]] = {}
        for (path, identifier), text in edition.units().items():
            if language == helppages_store.ENGLISH or english.get((path, identifier)) != text:
                paragraphs.setdefault(path, []).append(LinkedParagraph(text, identifier))
        return {
            path: LinkedPage(path, language, titles.get(path, ""), tuple(found)) for path, found in paragraphs.items()
        }


@dataclass(frozen=True)
class Guard:
    """Titles and texts that training must not see, with case and blanks made equal.

    A title is a leak where it is a held-out page's title, a paragraph where it stands anywhere on a held-out page.
    """

    titles: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @classmethod
    def over(cls, pages: Iterable[LinkedPage]) -> Guard:
        """The guard over these held-out pages."""
        titles, texts = set[str](), set[str]()
        for page in pages:
            titles.add(_key(page.title))
            texts.update(_key(paragraph.text) for paragraph in page.paragraphs)
        return cls(frozenset(titles), frozenset(titles | texts))

    def clean(self, page: LinkedPage) -> LinkedPage:
        """The page without what leaks."""
        title = "" if _key(page.title) in self.titles else page.title
        paragraphs = tuple(one for one in page.paragraphs if _key(one.text) not in self.texts)
        return LinkedPage(page.link, page.language, title, paragraphs)


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
