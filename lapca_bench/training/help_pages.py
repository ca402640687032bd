"""The help pages as linked text: gold paragraph ids, and the split that keeps evaluation text out of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lapca_bench.collections import helppages_store
from lapca_bench.collections.helppages import LANGUAGES, LICENCE, held_out
from lapca_bench.training.linked import Page, Paragraph


class HelpPagesCorpus:
    """Pages of the collection `help-pages`, its training part by default.

    A paragraph that repeats the English text is untranslated and is left out of the other languages.
    """

    name = "help-pages"
    licence = LICENCE

    def __init__(
        self, languages: Sequence[str] = LANGUAGES, split: Literal["train", "held-out", "all"] = "train"
    ) -> None:
        self._languages = tuple(languages)
        self._split = split

    def groups(self) -> Iterator[Sequence[Page]]:
        """Pages by path; raises `MissingResourceError` where the packages are not here."""
        english = helppages_store.edition(helppages_store.ENGLISH).units()
        editions = {language: self._pages(language, english) for language in self._languages}
        paths = sorted({path for pages in editions.values() for path in pages})
        for path in paths:
            if self._split == "all" or held_out(path) == (self._split == "held-out"):
                yield [pages[path] for pages in editions.values() if path in pages]

    def _pages(self, language: str, english: dict[tuple[str, str], str]) -> dict[str, Page]:
        edition = helppages_store.edition(language)
        titles = edition.titles()
        paragraphs: dict[str, list[Paragraph]] = {}
        for (path, identifier), text in edition.units().items():
            if language == helppages_store.ENGLISH or english.get((path, identifier)) != text:
                paragraphs.setdefault(path, []).append(Paragraph(text, identifier))
        return {path: Page(path, language, titles.get(path, ""), tuple(found)) for path, found in paragraphs.items()}
