"""Question sets: questions whose answers are spans of paragraphs, which are cut in sentences.

A folder holds `paragraphs.jsonl.gz` (paragraph, language, title, text) and `questions.jsonl.gz` (id, language, split,
question, answers with text and start, paragraph). An answer belongs to the sentence in which it starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.collections.question_sets.sentence_spans import Span, sentence_spans
from lapca_bench.collections.reading import records
from lapca_bench.errors import InputError

PARAGRAPHS, QUESTIONS = "paragraphs.jsonl.gz", "questions.jsonl.gz"
_ONE_IN = 12  # articles kept for evaluation
_SHORTEST_ANSWER = 2  # characters; a shorter one stands in other sentences by chance


@dataclass(frozen=True, slots=True)
class SentenceQuestion:
    """A question, the sentence (counted from 0) its answer starts in, and others that hold the answer's words too."""

    id: str
    text: str
    answer: int
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedParagraph:
    """A paragraph of an article, the characters of its sentences, and the questions about it."""

    id: str
    language: str
    title: str
    text: str
    sentences: tuple[Span, ...]
    questions: tuple[SentenceQuestion, ...]

    def sentence(self, place: int) -> str:
        """The text of a sentence."""
        start, end = self.sentences[place]
        return self.text[start:end]

    @property
    def held_out(self) -> bool:
        """Whether its article is kept for evaluation: one in twelve, by a hash of language and title."""
        name = f"{self.language}\n{self.title}".encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % _ONE_IN == 0


def read_question_set(folder: Path) -> Iterator[AskedParagraph]:
    """The paragraphs of a folder with the questions about them, in the order of the file.

    A question whose answer starts in no sentence, or that has none, is left out. Raises `InputError` with file and line
    for a question about no paragraph.
    """
    asked: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, question in records(folder / QUESTIONS, ("id", "question", "paragraph", "answers")):
        asked.setdefault(str(question["paragraph"]), []).append((number, question))
    for _, record in records(folder / PARAGRAPHS, ("paragraph", "language", "title", "text")):
        name, language, text = str(record["paragraph"]), str(record["language"]), str(record["text"])
        spans = sentence_spans(text, language)
        found = [_question(question, text, spans) for _, question in asked.pop(name, [])]
        questions = tuple(one for one in found if one is not None)
        yield AskedParagraph(name, language, str(record["title"]), text, spans, questions)
    for name, left in asked.items():
        remedy = f"give the paragraph in {PARAGRAPHS}, or remove the question"
        raise InputError(
            f"a question about no paragraph: {name!r}", path=folder / QUESTIONS, line=left[0][0], remedy=remedy
        )


def _question(record: Mapping[str, Any], text: str, spans: tuple[Span, ...]) -> SentenceQuestion | None:
    answers = record["answers"]
    if not answers:
        return None
    start, words = int(answers[0]["start"]), str(answers[0]["text"])
    place = next((n for n, (first, last) in enumerate(spans) if first <= start < last), None)
    if place is None:
        return None
    others = (n for n, (first, last) in enumerate(spans) if n != place and words in text[first:last])
    also = tuple(others) if len(words) >= _SHORTEST_ANSWER else ()
    return SentenceQuestion(str(record["id"]), str(record["question"]).strip(), place, also)
