"""Paragraphs with questions in the JSON of SQuAD 1.1, as XQuAD, XQuAD-R and MLQA-R are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.collections.reading import document
from lapca_bench.errors import InputError
from lapca_bench.inputs.numbers import whole_number


@dataclass(frozen=True)
class Question:
    """A question as it is written, blanks at its ends included, and where its first answer starts in the paragraph."""

    id: str
    text: str
    answer_start: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, its questions and, in the retrieval versions, the (start, end) of its sentences."""

    text: str
    questions: tuple[Question, ...]
    sentences: tuple[tuple[int, int], ...]

    def sentence_at(self, position: int) -> int | None:
        """The number of the sentence that holds the character at `position`; None where it falls in none."""
        return next((i for i, (start, end) in enumerate(self.sentences) if start <= position < end), None)


def paragraphs(path: Path, *, split_in_sentences: bool) -> Iterator[Paragraph]:
    """The paragraphs of a file in its order.

    Raises `InputError`, naming the paragraph, where a field is missing or of the wrong type, or where a sentence break
    lies outside of its paragraph.
    """
    number = 0
    try:
        for article in document(path)["data"]:
            for entry in article["paragraphs"]:
                number += 1
                yield _paragraph(entry, split_in_sentences=split_in_sentences)
    except (KeyError, TypeError, IndexError, ValueError, OverflowError, AttributeError) as error:
        message = f"not in SQuAD's format: {type(error).__name__} {error} in or after paragraph {number}"
        raise InputError(message, path=path, remedy="use the file as its authors publish it") from error


def _paragraph(entry: Any, *, split_in_sentences: bool) -> Paragraph:
    text = entry["context"]
    breaks = (
        tuple((_position(start), _position(end)) for start, end in entry["sentence_breaks"])
        if split_in_sentences
        else ()
    )
    if any(not 0 <= start < end <= len(text) for start, end in breaks):
        raise ValueError("a sentence break outside of the paragraph")
    questions = tuple(
        Question(str(qa["id"]), qa["question"], _position(qa["answers"][0]["answer_start"])) for qa in entry["qas"]
    )
    return Paragraph(text, questions, breaks)


def _position(value: Any) -> int:
    """A place in a text: a whole number, or its digits as a string, as some files have it."""
    found = whole_number(value) if isinstance(value, str) else value
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"the position {value!r} is no whole number")
    return found
