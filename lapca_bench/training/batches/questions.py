"""Questions with their passages, for fine-tuning: the formats of DPR, XOR-TyDi, Mr. TyDi, and plain JSON lines.

* DPR (biencoder-nq-train.json): a JSON list, or one object per line, with `question`, `answers`, `positive_ctxs`,
  `hard_negative_ctxs`, `negative_ctxs`; contexts have `title` and `text`. Random `negative_ctxs` are not read: the
  batch has its own.
* XOR-TyDi's gold paragraphs: SQuAD's JSON, an object with `data`. Languages come from `xor_train_*.jsonl` beside it.
* Mr. TyDi (train.jsonl): `query_id`, `query`, `positive_passages`, `negative_passages` with `docid`, `title`, `text`.
* Your own: `question`, `positives`, and if you have them `negatives`, `answers`, `language`; passages are strings or
  objects with `text` and `title`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapca_bench.collections.reading import document
from lapca_bench.errors import InputError
from lapca_bench.inputs.text import lines
from lapca_bench.parsing import json_value
from lapca_bench.types import Document

_REMEDY = "the formats are those of DPR, XOR-TyDi's gold paragraphs, Mr. TyDi, or lines with question and positives"


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A question, passages that answer it, and passages known not to."""

    id: str
    text: str
    language: str
    positives: tuple[Document, ...]
    negatives: tuple[Document, ...] = ()
    answers: tuple[str, ...] = ()


def read_questions(paths: Sequence[Path]) -> list[AnsweredQuestion]:
    """All questions of these files, told apart by their form; one without a positive passage is left out.

    Raises `InputError` with file and line (or number) for anything else, or when nothing is left.
    """
    found = [question for path in paths for question in _questions(path) if question.positives]
    if not found:
        remedy = "give files in which questions have passages"
        raise InputError("no question has a positive passage", path=paths[0] if paths else None, remedy=remedy)
    return found


def _questions(path: Path) -> Iterator[AnsweredQuestion]:
    languages: dict[str, str] = {}
    for number, record in _records(path):
        try:
            if isinstance(record.get("data"), list):
                languages = languages or _languages_beside(path)
                yield from _squad(record["data"], path, languages)
            else:
                yield _question(record, f"{path.name}:{number}")
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            message = f"not a question with passages: {type(error).__name__} {error}"
            raise InputError(message, path=path, line=number, remedy=_REMEDY) from error


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of a JSON list, of JSON lines, or a file that is one object; numbered from 1."""
    numbered = enumerate(document(path), start=1) if _is_list(path) else _json_lines(path)
    for number, item in numbered:
        if not isinstance(item, dict):
            raise InputError("not an object", path=path, line=number, remedy=_REMEDY)
        yield number, item


def _is_list(path: Path) -> bool:
    first = next((line.strip() for _, line in lines(path) if line.strip()), "")
    return first.startswith("[")


def _json_lines(path: Path) -> Iterator[tuple[int, object]]:
    for number, line in lines(path):
        if line.strip():
            try:
                yield number, json_value(line)
            except ValueError as error:
                raise InputError(f"not JSON: {error}", path=path, line=number, remedy=_REMEDY) from error


def _question(record: Mapping[str, Any], place: str) -> AnsweredQuestion:
    language = str(record.get("lang", record.get("language", "")))
    if "positive_passages" in record:  # Mr. TyDi
        positives, negatives = record["positive_passages"], record.get("negative_passages", [])
    elif "positive_ctxs" in record:  # DPR
        positives, negatives = record["positive_ctxs"], record.get("hard_negative_ctxs", [])
    else:
        positives, negatives = record["positives"], record.get("negatives", [])
    name = next((str(record[key]) for key in ("query_id", "id", "q_id") if key in record), place)
    text = record["query"] if "query" in record else record["question"]
    if not isinstance(text, str) or not text.strip():
        raise TypeError("the question is no text")
    right, wrong = (
        tuple(_passage(one, f"{name}/{side}{number}") for number, one in enumerate(found))
        for side, found in (("+", positives), ("-", negatives))
    )
    answers = tuple(str(answer) for answer in record.get("answers", ()))
    return AnsweredQuestion(name, text.strip(), language, right, wrong, answers)


def _passage(content: str | Mapping[str, Any], fallback: str) -> Document:
    if isinstance(content, str):
        return Document(fallback, content)
    name = next((str(content[key]) for key in ("docid", "passage_id", "psg_id") if content.get(key)), fallback)
    if not isinstance(content["text"], str):
        raise TypeError("a passage whose text is no text")
    return Document(name, content["text"], str(content.get("title") or ""))


def _squad(
    articles: Sequence[Mapping[str, Any]], path: Path, languages: Mapping[str, str]
) -> Iterator[AnsweredQuestion]:
    for number, article in enumerate(articles):
        for place, paragraph in enumerate(article["paragraphs"]):
            passage = Document(f"{path.name}/{number}/{place}", paragraph["context"], str(article.get("title") or ""))
            for qa in paragraph["qas"]:
                answers = tuple(dict.fromkeys(str(answer["text"]) for answer in qa.get("answers", ())))
                name = str(qa["id"])
                yield AnsweredQuestion(name, qa["question"].strip(), languages.get(name, ""), (passage,), (), answers)


def _languages_beside(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for beside in sorted(path.parent.glob("xor_train_*.jsonl")):
        for _, record in _json_lines(beside):
            if isinstance(record, dict):
                found[str(record.get("id"))] = str(record.get("lang", ""))
    return found
