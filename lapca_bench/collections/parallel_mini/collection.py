"""parallel-mini: 40 paragraphs in 11 languages, each with two questions that one of its sentences answers.

It comes with the package, so that a first table, the tests and the guard of a training need neither a download nor a
licence. A file per language has a line per topic, in one order: its sentences, and questions with the number of the
sentence that answers (from 0). Two kinds of subset:

* sentences, as in LAReQA: `mixed`, `<language>-mixed`, `<language>`, each also with "-context" (`sentence_pools`);
* paragraphs: `<question language>-<paragraph language>`, all pairs; groups `xx-xx` (one language), `xx-en`, `en-xx`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.collections.family import Count, Presence
from lapca_bench.collections.loaded import LoadedCollection, fingerprint
from lapca_bench.collections.reading import records
from lapca_bench.collections.sentence_pools.pools import Candidate, SentencePools, Side
from lapca_bench.errors import InputError
from lapca_bench.run import Qrels
from lapca_bench.types import Document, Query

START = ("de-en", "hi-en", "zh-en")  # what the quickstart runs: three scripts, small enough for a slow processor

_HERE = Path(__file__).parent
_UNSPACED = frozenset({"zh"})  # no space between sentences
_REPAIR = "install lapca-bench again; its files were changed"
_PARAGRAPHS = Policy(measures=("nDCG@10", "RR@10", "R@100"), depth=100, translations="{query}")


@dataclass(frozen=True)
class Topic:
    """A paragraph as its sentences, and questions as (text, number of the sentence that answers)."""

    name: str
    sentences: tuple[str, ...]
    questions: tuple[tuple[str, int], ...]

    def paragraph(self, language: str) -> str:
        """The sentences, one after the other as the language writes them."""
        return ("" if language in _UNSPACED else " ").join(self.sentences)


@lru_cache(maxsize=32)
def topics(path: Path) -> tuple[Topic, ...]:
    """The topics of a file; raises `InputError`, naming the line, where it does not hold them as the card says."""
    found = []
    for number, record in records(path, ("topic", "sentences", "questions")):
        try:
            found.append(_topic(record))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"no topic: {error}", path=path, line=number, remedy=_REPAIR) from error
    return tuple(found)


def _topic(record: Mapping[str, Any]) -> Topic:
    sentences = tuple(str(sentence) for sentence in record["sentences"])
    questions = tuple((str(one["question"]), int(one["answer"])) for one in record["questions"])
    if any(not 0 <= answer < len(sentences) for _, answer in questions):
        raise ValueError("a question names a sentence that is not there")
    return Topic(str(record["topic"]), sentences, questions)


class ParallelMini(SentencePools):
    """The sentence pools, and beside them paragraphs of one language asked in another."""

    def subsets(self) -> Sequence[str]:
        """The sentence pools, then the pairs of languages, question language first."""
        pairs = tuple(f"{asked}-{found}" for asked in self.languages for found in self.languages)
        return (*super().subsets(), *pairs)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Of the pairs: `xx-en`, `en-xx`, `xx-xx`, and `start`, the quickstart's; then the groups of the pools."""
        others = [language for language in self.languages if language != "en"]
        return {
            "xx-en": tuple(f"{language}-en" for language in others),
            "en-xx": tuple(f"en-{language}" for language in others),
            "xx-xx": tuple(f"{language}-{language}" for language in self.languages),
            "start": START,
            **super().groups(),
        }

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy."""
        pair = self._pair(subset)
        if pair is None:
            return super().card(subset)
        title = f"{self.catalogue.title}, {pair[0]} questions, {pair[1]} paragraphs"
        return self.make_card(subset, _PARAGRAPHS, ((pair[0],), (pair[1],)), ("test",), title)

    def presence(self, subset: str) -> Presence:
        """It is part of the package."""
        self.check_subset(subset)
        return Presence(True)

    def path(self, language: str) -> Path:
        """The file of a language."""
        return _HERE / f"{language}.jsonl"

    def find(self, language: str) -> Path | None:
        """The file of a language."""
        return self.path(language)

    def read(self, path: Path, language: str) -> Side:
        """The side that a file holds: every sentence a candidate, one target per question."""
        candidates: list[Candidate] = []
        questions: dict[str, str] = {}
        targets: dict[str, tuple[str, ...]] = {}
        for topic in topics(path):
            paragraph = topic.paragraph(language)
            ids = [f"{language}_{topic.name}_{place}" for place in range(len(topic.sentences))]
            candidates += [Candidate(name, text, paragraph) for name, text in zip(ids, topic.sentences, strict=True)]
            for number, (text, answer) in enumerate(topic.questions):
                questions[f"{topic.name}-{number}"] = text
                targets[f"{topic.name}-{number}"] = (ids[answer],)
        return Side(language, tuple(candidates), questions, targets)

    def load(self, subset: str, split: str | None = None) -> LoadedCollection:
        """One subset; refuses files with other counts than the package's."""
        pair = self._pair(subset)
        if pair is None:
            return super().load(subset, split)
        card = self.card(subset)
        split = self.pick_split(card, split)
        asked, found = pair
        for language in pair:
            self.side(language)  # for its counts
        paths = [self.path(language) for language in pair]
        questions, paragraphs = topics(paths[0]), topics(paths[1])
        names = [(topic.name, number) for topic in questions for number in range(len(topic.questions))]
        return LoadedCollection(
            card,
            split,
            fingerprint(card, split, {"questions": paths[:1], "paragraphs": paths[1:]}),
            lambda: (Document(f"{found}_{one.name}", one.paragraph(found), language=found) for one in paragraphs),
            tuple(Query(f"{t.name}-{n}", text, asked) for t in questions for n, (text, _) in enumerate(t.questions)),
            Qrels({f"{name}-{number}": {f"{found}_{name}": 1} for name, number in names}),
        )

    def counts(self, subset: str) -> Sequence[Count]:
        """Questions and candidates of each language of the subset."""
        found: list[Count] = []
        for pool in dict.fromkeys(self._pair(subset) or (subset,)):
            found += super().counts(pool)
        return found

    def _pair(self, subset: str) -> tuple[str, str] | None:
        """The languages of questions and paragraphs; None for a pool of sentences."""
        self.check_subset(subset)
        first, _, second = subset.partition("-")
        return (first, second) if second in self.languages else None


PARALLEL_MINI = ParallelMini("parallel-mini")
