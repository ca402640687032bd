"""Questions whose answers are sentences, asked of a pool of many languages (LAReQA: Roy et al., EMNLP 2020).

A candidate is a sentence of a paragraph; the targets of a question are its answer sentence in every language. The
candidate's text is either the sentence alone or the sentence with its paragraph; these are two collections ("-context")
and never share a row. In the latter the sentence is the title and the paragraph the text, so that an encoder may read
them as a pair.

The authors' mAP ranks the whole pool. Three kinds of subset:

* `mixed`: every question against the pool of all languages, to the family's depth, or at full depth where it has none.
* `<language>-mixed`: the questions of one language against the same pool at full depth, where AP is the authors'
  value exactly.
* `<language>`: the pool of the question's language only, one target, full depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.catalogue import CatalogueFamily
from lapca_bench.collections.family import Count
from lapca_bench.collections.loaded import LoadedCollection, fingerprint, refuse_unequal, unique_queries
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

MIXED = "mixed"
CONTEXT = "-context"


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be an answer, and the paragraph it stands in."""

    id: str
    sentence: str
    paragraph: str

    def document(self, language: str, *, context: bool) -> Document:
        """The sentence alone, or as the title of its paragraph."""
        if context:
            return Document(self.id, self.paragraph, self.sentence, language)
        return Document(self.id, self.sentence, language=language)


@dataclass(frozen=True)
class Side:
    """One language: candidates, question texts by id, and the ids of the targets of each question in this language."""

    language: str
    candidates: tuple[Candidate, ...]
    questions: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Shape:
    """What a subset's name says: languages of the questions and of the pool, and the candidate text."""

    asked: tuple[str, ...]
    pool: tuple[str, ...]
    context: bool


class SentencePools(CatalogueFamily):
    """The pools of one data set; a family says where the file of a language is and how it is read."""

    pool_depth: int | None = None  # of `mixed`; None: all of it

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, in the order of the pool."""
        return tuple(self.catalogue.expected)

    def path(self, language: str) -> Path:
        """The file of a language; raises `MissingResourceError` where it is not on this machine."""
        raise NotImplementedError

    def find(self, language: str) -> Path | None:
        """The file of a language; None where it is not on this machine."""
        raise NotImplementedError

    def read(self, path: Path, language: str) -> Side:
        """The side that a file holds."""
        raise NotImplementedError

    def subsets(self) -> Sequence[str]:
        """Those of the sentence alone, then those with context."""
        plain = (MIXED, *(f"{x}-{MIXED}" for x in self.languages), *self.languages)
        return (*plain, *(f"{subset}{CONTEXT}" for subset in plain))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """`pools`, then for each candidate text the exact rows per question language and the monolingual pools."""
        exact = [f"{x}-{MIXED}" for x in self.languages]
        return {
            "pools": (MIXED, f"{MIXED}{CONTEXT}"),
            "exact": tuple(exact),
            "exact-context": tuple(f"{subset}{CONTEXT}" for subset in exact),
            "monolingual": self.languages,
            "monolingual-context": tuple(f"{language}{CONTEXT}" for language in self.languages),
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy; the depth of exact subsets is the published size of their pool."""
        shape = self._shape(subset)
        everything = len(shape.asked) > 1
        size = sum(self.catalogue.count(language, "candidates") or 0 for language in shape.pool)
        cut = self.pool_depth if everything else None
        policy = Policy(
            measures=(f"AP@{cut}" if cut else "AP", "AP_cap@20"),
            depth=cut or size,
            translations="{query}_{language}",
        )
        asked = "all languages" if everything else shape.asked[0]
        pool = f"pool of {size:,} in {len(shape.pool)} languages" if len(shape.pool) > 1 else "pool of this language"
        text = "sentence and paragraph" if shape.context else "sentence alone"
        title = f"{self.catalogue.title}, questions in {asked}, {pool}, {text}"
        return self.make_card(subset, policy, (shape.asked, shape.pool), ("test",), title)

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One subset; refuses files with other counts than the authors'."""
        card, shape = self.card(subset), self._shape(subset)
        split = self.pick_split(card, split)
        paths = {language: self.path(language) for language in shape.pool}
        sides = {language: self.side(language) for language in shape.pool}

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

    def side(self, language: str) -> Side:
        """A language's side; refuses a file with other counts than the authors'."""
        path = self.path(language)
        side = self.read(path, language)
        refuse_unequal(self._counts(side), path, self.catalogue.version)
        return side

    def counts(self, subset: str) -> Sequence[Count]:
        """Questions and candidates of each language of the pool that is here, and their sums if all are here."""
        shape = self._shape(subset)
        sides = [self.read(path, language) for language in shape.pool if (path := self.find(language)) is not None]
        found = [count for side in sides for count in self._counts(side)]
        if len(sides) == len(shape.pool) > 1:
            for what in ("questions", "candidates"):
                parts = [count for count in found if count.what.startswith(what)]
                found.append(Count(f"{what} (all)", sum(c.expected for c in parts), sum(c.found for c in parts)))
        return found

    def pool(self, subset: str) -> tuple[str, ...]:
        """The languages of a subset's pool."""
        return self._shape(subset).pool

    def _shape(self, subset: str) -> _Shape:
        self.check_subset(subset)
        plain = subset.removesuffix(CONTEXT)
        context = plain != subset
        if plain == MIXED:
            return _Shape(self.languages, self.languages, context)
        language = plain.removesuffix(f"-{MIXED}")
        return _Shape((language,), self.languages if language != plain else (language,), context)

    def _counts(self, side: Side) -> list[Count]:
        numbers = {"questions": len(side.questions), "candidates": len(side.candidates)}
        pairs = ((what, self.catalogue.count(side.language, what), n) for what, n in numbers.items())
        return [Count(f"{what} ({side.language})", e, n) for what, e, n in pairs if e is not None]
