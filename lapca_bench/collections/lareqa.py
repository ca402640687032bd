"""LAReQA: answer sentences in a pool of many languages (Roy et al., EMNLP 2020): XQuAD-R and MLQA-R.

A candidate is a sentence of a paragraph; the targets of a question are its answer sentence in every language. The
candidate's text is either the sentence alone or the sentence with its paragraph (the authors'); these are two
collections ("-context") and never share a row. In the latter the sentence is the title and the paragraph the text, so
that an encoder may read them as a pair.

The authors' mAP ranks the whole pool. Three kinds of subset:

* `mixed`: every question against the pool of all languages, to depth 1,000. AP@1000 is at most (targets not found) /
  1,001 below the full AP, since each target beyond rank 1,000 would add less than 1 / 1,001.
* `<language>-mixed`: the questions of one language against the same pool at full depth, where AP is the authors'
  value exactly; one language at a time keeps a run at 15 million rows (all at once: 170 million).
* `<language>`: the pool of the question's language only, one target, full depth.

Follows `third_party/utils_lareqa.py` of google-research/xtreme: an answer whose start falls in no sentence leaves its
question out, a paragraph without questions leaves its sentences out, and a sentence that comes twice in a paragraph is
a target twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import Catalogue, CatalogueFamily, presence_of
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.formats.squad import paragraphs
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, refuse_unequal, unique_queries
from lapca_bench.collections.sources import Source
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

MIXED = "mixed"
POOL_DEPTH = 1000

_CONTEXT = "-context"
_REPOSITORY = "https://github.com/google-research-datasets/lareqa"


@dataclass(frozen=True)
class _Candidate:
    id: str
    sentence: str
    paragraph: str

    def document(self, language: str, *, context: bool) -> Document:
        if context:
            return Document(self.id, self.paragraph, self.sentence, language)
        return Document(self.id, self.sentence, language=language)


@dataclass(frozen=True)
class _Side:
    """One language: candidates, question texts by id, and the ids of the targets of each question in this language."""

    language: str
    candidates: tuple[_Candidate, ...]
    questions: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path, language: str) -> _Side:
        candidates: list[_Candidate] = []
        questions: dict[str, str] = {}
        targets: dict[str, tuple[str, ...]] = {}
        for number, paragraph in enumerate(paragraphs(path, split_in_sentences=True), start=1):
            sentences = [paragraph.text[start:end] for start, end in paragraph.sentences]
            ids = [f"{language}_{number}_{place}" for place in range(len(sentences))]
            answered = False
            for question in paragraph.questions:
                place = paragraph.sentence_at(question.answer_start)
                if place is None:
                    continue
                answered = True
                questions[question.id] = question.text
                targets[question.id] = tuple(
                    name for name, sentence in zip(ids, sentences, strict=True) if sentence == sentences[place]
                )
            if answered:
                candidates += [
                    _Candidate(name, text, paragraph.text) for name, text in zip(ids, sentences, strict=True)
                ]
        return cls(language, tuple(candidates), questions, targets)


@dataclass(frozen=True)
class _Shape:
    """What a subset's name says: languages of the questions and of the pool, and the candidate text."""

    asked: tuple[str, ...]
    pool: tuple[str, ...]
    context: bool


class Lareqa(CatalogueFamily):
    """XQuAD-R or MLQA-R, by the catalogue and the folder of its files."""

    def __init__(self, name: str, folder: str, origin: str, catalogue: Catalogue | None = None) -> None:
        super().__init__(name, catalogue)
        self._folder = folder
        self._origin = origin

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, in the order of the pool."""
        return tuple(self.catalogue.expected)

    def subsets(self) -> Sequence[str]:
        """Those of the sentence alone, then those with context."""
        plain = (MIXED, *(f"{x}-{MIXED}" for x in self.languages), *self.languages)
        return (*plain, *(f"{subset}{_CONTEXT}" for subset in plain))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`pools`, then for each candidate text the exact rows per question language and the monolingual pools."""
        exact = [f"{x}-{MIXED}" for x in self.languages]
        return {
            "pools": (MIXED, f"{MIXED}{_CONTEXT}"),
            "exact": tuple(exact),
            "exact-context": tuple(f"{subset}{_CONTEXT}" for subset in exact),
            "monolingual": self.languages,
            "monolingual-context": tuple(f"{language}{_CONTEXT}" for language in self.languages),
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy; the depth of exact subsets is the published size of their pool."""
        shape = self._shape(subset)
        everything = len(shape.asked) > 1
        size = sum(self.catalogue.count(language, "candidates") or 0 for language in shape.pool)
        policy = Policy(
            measures=(f"AP@{POOL_DEPTH}" if everything else "AP", "AP_cap@20"),
            depth=POOL_DEPTH if everything else size,
            translations="{query}_{language}",
        )
        asked = "all languages" if everything else shape.asked[0]
        pool = f"pool of {size:,} in {len(shape.pool)} languages" if len(shape.pool) > 1 else "pool of this language"
        text = "sentence and paragraph" if shape.context else "sentence alone"
        title = f"{self.catalogue.title}, questions in {asked}, {pool}, {text}"
        return self.make_card(subset, policy, (shape.asked, shape.pool), ("test",), title)

    def presence(self, subset: str) -> Presence:
        """Whether the files of all languages of the pool are here."""
        return presence_of([self._source(language) for language in self._shape(subset).pool])

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One subset; refuses files with other counts than the authors'."""
        card, shape = self.card(subset), self._shape(subset)
        split = self.pick_split(card, split)
        paths = {language: self._source(language).path() for language in shape.pool}
        sides = {language: _Side.read(path, language) for language, path in paths.items()}
        for language, side in sides.items():
            refuse_unequal(self._counts(side), paths[language], card.version)

        def documents() -> Iterator[Document]:
            for language, side in sides.items():
                for candidate in side.candidates:
                    yield candidate.document(language, context=shape.context)

        queries: list[Query] = []
        relevant: dict[str, dict[str, int]] = {}
        for language in shape.asked:
            for name, text in sides[language].questions.items():
                query = Query(f"{name}_{language}", text, language)
                queries.append(query)
                relevant[query.id] = {t: 1 for side in sides.values() for t in side.targets.get(name, ())}
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {language: [path] for language, path in paths.items()}),
            documents,
            unique_queries(queries, paths[shape.asked[0]]),
            Qrels(relevant),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Questions and candidates of each language of the pool that is here, and their sums if all are here."""
        shape = self._shape(subset)
        sides = [
            _Side.read(path, language) for language in shape.pool if (path := self._source(language).find()) is not None
        ]
        found = [count for side in sides for count in self._counts(side)]
        if len(sides) == len(shape.pool) > 1:
            for what in ("questions", "candidates"):
                parts = [count for count in found if count.what.startswith(what)]
                found.append(Count(f"{what} (all)", sum(c.expected for c in parts), sum(c.found for c in parts)))
        return found

    def _shape(self, subset: str) -> _Shape:
        self.check_subset(subset)
        plain = subset.removesuffix(_CONTEXT)
        context = plain != subset
        if plain == MIXED:
            return _Shape(self.languages, self.languages, context)
        language = plain.removesuffix(f"-{MIXED}")
        return _Shape((language,), self.languages if language != plain else (language,), context)

    def _source(self, language: str) -> Source:
        return Source(
            f"{self.catalogue.title} ({language})",
            (f"{self._folder}/{language}.json",),
            self._origin,
            self.name,
        )

    def _counts(self, side: _Side) -> list[Count]:
        numbers = {"questions": len(side.questions), "candidates": len(side.candidates)}
        pairs = ((what, self.catalogue.count(side.language, what), n) for what, n in numbers.items())
        return [Count(f"{what} ({side.language})", e, n) for what, e, n in pairs if e is not None]


XQUAD_R = Lareqa("xquad-r", "lareqa-xquad-r/xquad-r", f"{_REPOSITORY}/tree/main/xquad-r")
MLQA_R = Lareqa("mlqa-r", "lareqa-mlqa-r/mlqa-r", f"{_REPOSITORY}/tree/354d67d1cd066854cdfbf5ad0e6105528976141d/mlqa-r")
