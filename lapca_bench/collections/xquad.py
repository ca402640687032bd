"""XQuAD as paragraph retrieval: MTEB's `XQuADRetrieval` per language, and a grid of question and passage languages.

240 paragraphs and 1,190 questions in twelve languages, professionally translated (Artetxe et al., ACL 2020).

`xquad-retrieval/<language>` follows MTEB to the letter (`XQuADRetrieval.py`): texts are stripped as the published data
set has them; a paragraph's id is the SHA-256 of its text; questions of equal text are one query under the id of the
last of them, which is why their number is below 1,190. `xquad-grid/<question language>-<passage language>` keeps all
1,190 questions, so that the same queries are asked in every cell of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.formats.squad import Paragraph, paragraphs
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, refuse_unequal, unique_queries
from lapca_bench.collections.sources import Source
from lapca_bench.errors import InputError
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")

_POLICY = Policy(measures=("nDCG@10", "RR@10", "R@100"), depth=100, translations="{query}")


def _source(language: str) -> Source:
    name = f"xquad.{language}.json"
    return Source(f"XQuAD ({language})", (f"xquad/{name}",), "https://github.com/google-deepmind/xquad", "xquad")


def _read(path: Path) -> list[Paragraph]:
    """The paragraphs of a file, their questions without blanks at the ends."""
    return [
        replace(one, questions=tuple(replace(asked, text=asked.text.strip()) for asked in one.questions))
        for one in paragraphs(path, split_in_sentences=False)
    ]


class XquadRetrieval(CatalogueFamily):
    """`xquad-retrieval/<language>`: questions and paragraphs in one language, MTEB's protocol."""

    def subsets(self) -> Sequence[str]:
        """The twelve languages."""
        return LANGUAGES

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all`: every language."""
        return {"all": LANGUAGES}

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        return self.make_card(subset, _POLICY, ((subset,), (subset,)), ("validation",), f"XQuADRetrieval, {subset}")

    def presence(self, subset: str) -> Presence:
        """Whether the file of the language is here."""
        self.check_subset(subset)
        return presence_of([_source(subset)])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One language; refuses a file with other counts than MTEB's."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        path = _source(subset).path()
        texts, asked, relevant = self._parse(path)
        refuse_unequal(self._counts(subset, texts, asked), path, card.version)
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"paragraphs": [path]}),
            lambda: (Document(name, text, language=subset) for name, text in texts.items()),
            tuple(Query(name, text, subset) for text, name in asked.items()),
            Qrels(relevant),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Paragraphs and queries."""
        self.check_subset(subset)
        path = _source(subset).find()
        return self._counts(subset, *self._parse(path)[:2]) if path is not None else ()

    @staticmethod
    def _parse(path: Path) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
        """Paragraphs by id, query ids by question text, and judgements."""
        found = _read(path)
        asked = {question.text: question.id for paragraph in found for question in paragraph.questions}
        texts: dict[str, str] = {}
        relevant: dict[str, dict[str, int]] = {}
        for paragraph in found:
            text = paragraph.text.strip()
            name = sha256(text.encode("utf-8")).hexdigest()
            texts[name] = text
            for question in paragraph.questions:
                relevant.setdefault(asked[question.text], {})[name] = 1
        return texts, asked, relevant

    def _counts(self, subset: str, texts: Mapping[str, str], asked: Mapping[str, str]) -> list[Count]:
        numbers = (("documents", len(texts), "documents"), (f"queries ({subset})", len(asked), f"queries.{subset}"))
        pairs = ((what, self.catalogue.count(*key.split(".")), number) for what, number, key in numbers)
        return [Count(what, expected, number) for what, expected, number in pairs if expected is not None]


class XquadGrid(CatalogueFamily):
    """`xquad-grid/<question language>-<passage language>`, 12 × 12."""

    def subsets(self) -> Sequence[str]:
        """All pairs, question language first."""
        return tuple(f"{asked}-{found}" for asked in LANGUAGES for found in LANGUAGES)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`all` cells; `cross`: off the diagonal; `xx-en`: to English passages; `en-xx`: from English questions."""
        cells = self.subsets()
        return {
            "all": cells,
            "cross": tuple(cell for cell in cells if len(set(cell.split("-"))) == 2),
            "xx-en": tuple(cell for cell in cells if cell.endswith("-en") and cell != "en-en"),
            "en-xx": tuple(cell for cell in cells if cell.startswith("en-") and cell != "en-en"),
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        self.check_subset(subset)
        asked, found = subset.split("-")
        title = f"XQuAD, {asked} questions, {found} passages"
        return self.make_card(subset, _POLICY, ((asked,), (found,)), ("validation",), title)

    def presence(self, subset: str) -> Presence:
        """Whether the files of both languages are here."""
        self.check_subset(subset)
        return presence_of([_source(language) for language in subset.split("-")])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One cell; refuses files that are not parallel."""
        card = self.card(subset)
        split = self.pick_split(card, split)
        asked, found = subset.split("-")
        paths = [_source(language).path() for language in (asked, found)]
        sides = [_read(path) for path in paths]
        for path, side in zip(paths, sides, strict=True):
            refuse_unequal(self._counts(side), path, card.version)
        if [_ids(paragraph) for paragraph in sides[0]] != [_ids(paragraph) for paragraph in sides[1]]:
            message = f"its paragraphs do not have the questions of {paths[0].name}"
            raise InputError(message, path=paths[1], remedy="use the files of one version")
        queries = [Query(q.id, q.text, asked) for paragraph in sides[0] for q in paragraph.questions]
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"questions": paths[:1], "paragraphs": paths[1:]}),
            lambda: (Document(f"{found}-{i:03d}", p.text.strip(), language=found) for i, p in enumerate(sides[1])),
            unique_queries(queries, paths[0]),
            Qrels({name: {f"{found}-{i:03d}": 1} for i, p in enumerate(sides[0]) for name in _ids(p)}),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Paragraphs and questions of each language that is here."""
        self.check_subset(subset)
        paths = [_source(language).find() for language in dict.fromkeys(subset.split("-"))]
        return [count for path in paths if path is not None for count in self._counts(_read(path))]

    def _counts(self, side: Sequence[Paragraph]) -> list[Count]:
        numbers = {"documents": len(side), "questions": sum(len(paragraph.questions) for paragraph in side)}
        pairs = ((what, self.catalogue.count(what), number) for what, number in numbers.items())
        return [Count(what, expected, number) for what, expected, number in pairs if expected is not None]


def _ids(paragraph: Paragraph) -> list[str]:
    return [question.id for question in paragraph.questions]


XQUAD_RETRIEVAL = XquadRetrieval("xquad-retrieval")
XQUAD_GRID = XquadGrid("xquad-grid")
