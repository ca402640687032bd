"""Paragraphs with questions to train on: a question asks for the sentence of its answer, among that sentence's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lapca_bench.collections.question_sets.asked import AskedParagraph
from lapca_bench.errors import InputError
from lapca_bench.training.batches.settings import ParagraphSettings
from lapca_bench.training.batches.shown import Asking, Sentence, Shown, ShownParagraph


class AskedParagraphs:
    """Draws paragraphs with questions, all of one language at a time.

    In a batch of several languages whose answers all stand in their question's language, the language alone would tell
    most negatives apart (LAReQA's X-X-mono: Roy et al. 2020, section 4). Raises `InputError` where nothing is left.
    """

    def __init__(self, paragraphs: Sequence[AskedParagraph], settings: ParagraphSettings) -> None:
        self._settings = settings
        found: dict[str, list[AskedParagraph]] = {}
        for one in paragraphs:
            if one.questions and len(one.sentences) > 1:
                found.setdefault(one.language, []).append(one)
        if not found:
            remedy = "name sets of questions whose paragraphs have several sentences"
            raise InputError("no questions are left to train on", key="paragraphs.questions", remedy=remedy)
        self._paragraphs = dict(sorted(found.items()))
        self.shares = _capped(
            np.array([sum(len(one.questions) for one in own) for own in self._paragraphs.values()], dtype=np.float64)
            ** settings.exponent,
            settings.largest_share,
        )

    def drawn(self, count: int, random: np.random.Generator) -> list[Shown]:
        """Up to `count` paragraphs of one language, none twice."""
        own = list(self._paragraphs.values())[int(random.choice(len(self.shares), p=self.shares))]
        order = random.permutation(len(own))[:count]
        return [self._shown(own[place], random) for place in order]

    def _shown(self, paragraph: AskedParagraph, random: np.random.Generator) -> Shown:
        """The neighbourhood of one question's answer, with other questions that are answered in it."""
        settings = self._settings
        anchor = paragraph.questions[int(random.integers(len(paragraph.questions)))]
        first, last = self._window(paragraph, anchor.answer, random)
        inside = [one for one in paragraph.questions if first <= one.answer < last and one is not anchor]
        others = [inside[n] for n in random.permutation(len(inside))[: settings.asked - 1]]
        queries = tuple(
            Asking(
                f"{paragraph.id}, {one.id}", one.text, paragraph.language, frozenset([one.answer]), frozenset(one.also)
            )
            for one in (anchor, *others)
        )
        start, end = paragraph.sentences[first][0], paragraph.sentences[last - 1][1]
        sentences = tuple(Sentence(paragraph.sentence(n), paragraph.language, n) for n in range(first, last))
        spans = tuple((a - start, b - start) for a, b in paragraph.sentences[first:last])
        return Shown((ShownParagraph(paragraph.text[start:end], sentences, spans),), queries)

    def _window(self, paragraph: AskedParagraph, answer: int, random: np.random.Generator) -> tuple[int, int]:
        """The first sentence and the one after the last of those shown: the answer's, grown at random to both sides."""
        first, last = answer, answer + 1
        while last - first < self._settings.units:
            sides = [(first - 1, last)] * (first > 0) + [(first, last + 1)] * (last < len(paragraph.sentences))
            fits = [
                (a, b)
                for a, b in sides
                if paragraph.sentences[b - 1][1] - paragraph.sentences[a][0] <= self._settings.characters
            ]
            if not fits:
                break
            first, last = fits[int(random.integers(len(fits)))]
        return first, last


def _capped(weights: npt.NDArray[np.float64], largest: float) -> npt.NDArray[np.float64]:
    """Shares that add up to 1, none above `largest`, where there are enough of them for that."""
    if largest * len(weights) <= 1:
        return np.full(len(weights), 1 / len(weights))
    capped = np.zeros(len(weights), dtype=np.bool_)
    while True:
        left = 1 - largest * np.count_nonzero(capped)
        shares: npt.NDArray[np.float64] = np.where(capped, largest, weights / weights[~capped].sum() * left)
        above = (shares > largest) & ~capped
        if not above.any():
            return shares
        capped |= above
