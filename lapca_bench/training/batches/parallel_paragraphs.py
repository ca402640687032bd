"""Parallel paragraphs to train on: a sentence in one language asks for itself in the others, among its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.training.batches.settings import ParagraphSettings
from lapca_bench.training.batches.shown import Asking, Sentence, Shown, ShownParagraph
from lapca_bench.training.text.parallel_documents import ParallelDocument

_ATTEMPTS = 200


class ParallelParagraphs:
    """Draws neighbouring units of documents, each in a few languages at once.

    A source is drawn by its weight, a document of it ∝ its units. Queries ask in a language that is shown too, so that
    the neighbours of the sentence they repeat stand against its translations. Raises `InputError` where nothing is
    left.
    """

    def __init__(
        self,
        documents: Mapping[str, Sequence[ParallelDocument]],
        settings: ParagraphSettings,
        pivot_language: str | None,
    ) -> None:
        self._settings, self._pivot_language = settings, pivot_language
        kept = {
            source: [one for one in found if len(self._languages(one)) >= min(2, settings.together)]
            for source, found in documents.items()
        }
        self._documents = {source: found for source, found in kept.items() if found}
        if not self._documents:
            remedy = "name more corpora, or allow more languages"
            raise InputError("no parallel text is left to train on", key="paragraphs.parallel", remedy=remedy)
        weights = np.array([settings.parallel[source] for source in self._documents], dtype=np.float64)
        self._sources, self._weights = list(self._documents), weights / weights.sum()
        self._shares = {source: _by_units(found) for source, found in self._documents.items()}

    def drawn(self, count: int, random: np.random.Generator) -> list[Shown]:
        """Up to `count` paragraphs, no two of one document."""
        found: dict[tuple[str, str], Shown] = {}
        for _ in range(_ATTEMPTS * count):
            if len(found) == count:
                break
            source = self._sources[int(random.choice(len(self._sources), p=self._weights))]
            place = int(random.choice(len(self._documents[source]), p=self._shares[source]))
            document = self._documents[source][place]
            if (key := (source, document.name)) not in found and (shown := self._shown(document, random)) is not None:
                found[key] = shown
        return list(found.values())

    def _languages(self, document: ParallelDocument) -> list[str]:
        settings = self._settings
        wanted = document.languages - set(settings.exclude_languages)
        return sorted(wanted & set(settings.languages) if settings.languages else wanted)

    def _shown(self, document: ParallelDocument, random: np.random.Generator) -> Shown | None:
        """Neighbouring units of a document in languages that have all of them; None where the draw has none."""
        settings, known = self._settings, self._languages(document)
        weights = np.array([settings.languages.get(language, 1.0) for language in known])
        count = min(settings.together, len(known))
        languages = [known[n] for n in random.choice(len(known), size=count, replace=False, p=weights / weights.sum())]
        whole = [
            number
            for number, unit in enumerate(document.units)
            if all(len(unit.get(language, "")) in range(1, settings.characters) for language in languages)
        ]
        if not whole:
            return None
        places = self._window(document, whole, languages, int(random.integers(len(whole))))
        queries = self._asked(document, places, languages, random)
        paragraphs = tuple(
            ShownParagraph.joined(
                [
                    Sentence(unit[language], language, place, self._pivot(unit))
                    for place in places
                    for unit in [document.units[place]]
                ]
            )
            for language in languages
        )
        return Shown(paragraphs, queries)

    def _window(
        self, document: ParallelDocument, whole: Sequence[int], languages: Sequence[str], first: int
    ) -> list[int]:
        """The units from the `first` of the whole ones on, as many as may be shown."""
        places: list[int] = []
        size = 0
        for place in whole[first : first + self._settings.units]:
            size += max(len(document.units[place][language]) for language in languages)
            if places and size > self._settings.characters:
                break
            places.append(place)
        return places

    def _asked(
        self, document: ParallelDocument, places: Sequence[int], languages: Sequence[str], random: np.random.Generator
    ) -> tuple[Asking, ...]:
        order = random.permutation(len(places))[: self._settings.asked]
        queries = []
        for place in sorted(places[n] for n in order):
            language, unit = languages[int(random.integers(len(languages)))], document.units[place]
            name = f"{document.source} {document.name}, unit {place} in {language}"
            queries.append(Asking(name, unit[language], language, frozenset([place]), pivot=self._pivot(unit)))
        titled = [language for language in languages if document.titles.get(language)]
        if titled and random.random() < self._settings.titles:
            language = titled[int(random.integers(len(titled)))]
            name, pivot = f"{document.source} {document.name}, title in {language}", self._pivot(document.titles)
            queries[-1] = Asking(name, document.titles[language], language, frozenset(places), pivot=pivot)
        return tuple(queries)

    def _pivot(self, texts: Mapping[str, str]) -> str:
        return "" if self._pivot_language is None else texts.get(self._pivot_language, "")


def _by_units(documents: Sequence[ParallelDocument]) -> npt.NDArray[np.float64]:
    sizes = np.array([len(one.units) for one in documents], dtype=np.float64)
    shares: npt.NDArray[np.float64] = sizes / sizes.sum()
    return shares
