"""Paragraphs as a batch shows them, and the judgements of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lapca_bench.encoders.weights.spans import Span
from lapca_bench.training.batch import ANSWER, LEFT_OUT, NEGATIVE, Batch, Judged

Neighbours = Literal["all", "answer's language", "none"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A candidate: its text, its language, the unit that it says, and that unit in the pivot language ("": none)."""

    text: str
    language: str
    unit: int
    pivot: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """A query, the units that answer it, and those that are neither answers nor certainly none."""

    name: str
    text: str
    language: str
    answers: frozenset[int]
    unsure: frozenset[int] = frozenset()
    pivot: str = ""


@dataclass(frozen=True, slots=True)
class ShownParagraph:
    """A paragraph in one language: its text, its sentences, and where in the text each of them stands."""

    text: str
    sentences: tuple[Sentence, ...]
    spans: tuple[Span, ...]

    @classmethod
    def joined(cls, sentences: Sequence[Sentence]) -> ShownParagraph:
        """Of sentences that are put together with blanks."""
        spans: list[Span] = []
        start = 0
        for one in sentences:
            spans.append((start, start + len(one.text)))
            start += len(one.text) + 1
        return cls(" ".join(one.text for one in sentences), tuple(sentences), tuple(spans))


@dataclass(frozen=True, slots=True)
class Shown:
    """One paragraph, in one or more languages, and what is asked about it."""

    paragraphs: tuple[ShownParagraph, ...]
    queries: tuple[Asking, ...]

    def without_neighbours(self) -> Shown:
        """The same with the sentences alone that answer something."""
        asked = frozenset(unit for query in self.queries for unit in query.answers)
        kept = [[one for one in shown.sentences if one.unit in asked] for shown in self.paragraphs]
        return Shown(tuple(ShownParagraph.joined(sentences) for sentences in kept if sentences), self.queries)


def batch_of(shown: Sequence[Shown], *, spanned: bool, neighbours: Neighbours, pivots: bool) -> Batch:
    """The batch of these paragraphs; `spanned` pools sentences inside their paragraphs, `pivots` gives their pivots."""
    if neighbours == "none":
        shown = [one.without_neighbours() for one in shown]
    asked = [(number, query) for number, one in enumerate(shown) for query in one.queries]
    texts = [(number, text) for number, one in enumerate(shown) for text in one.paragraphs]
    sentences = [(number, sentence) for number, text in texts for sentence in text.sentences]
    return Batch(
        names=tuple(query.name for _, query in asked),
        queries=tuple(query.text for _, query in asked),
        passages=tuple(text.text for _, text in texts) if spanned else tuple(one.text for _, one in sentences),
        languages=tuple(query.language for _, query in asked),
        query_pivots=tuple(query.pivot for _, query in asked) if pivots else (),
        passage_pivots=tuple(one.pivot for _, one in sentences) if pivots else (),
        judged=_judged(asked, sentences, neighbours),
        spans=tuple(text.spans for _, text in texts) if spanned else (),
    )


def _judged(
    asked: Sequence[tuple[int, Asking]], sentences: Sequence[tuple[int, Sentence]], neighbours: Neighbours
) -> Judged:
    """Every query (its paragraph's number beside it) against every sentence.

    What says the same words as the query or as one of its answers is left out wherever it stands: it is no negative,
    and nothing is learnt of finding a text by itself.
    """
    judged = np.full((len(asked), len(sentences)), NEGATIVE, dtype=np.int8)
    for row, (number, query) in zip(judged, asked, strict=True):
        answers = {one.text for own, one in sentences if own == number and one.unit in query.answers}
        for place, (own, one) in enumerate(sentences):
            if one.text == query.text:
                row[place] = LEFT_OUT
            elif own == number:
                row[place] = _within(query, one, neighbours)
            elif one.text in answers:
                row[place] = LEFT_OUT
    return judged


def _within(query: Asking, sentence: Sentence, neighbours: Neighbours) -> int:
    """The judgement of a sentence of the query's own paragraph."""
    if sentence.unit in query.answers:
        return ANSWER
    shown = neighbours == "all" or (neighbours == "answer's language" and sentence.language != query.language)
    return NEGATIVE if shown and sentence.unit not in query.unsure else LEFT_OUT
