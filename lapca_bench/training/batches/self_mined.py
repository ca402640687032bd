"""Negatives that a trained model finds for itself: what it ranks high although it holds no answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lapca_bench.atomic import write_text
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value
from lapca_bench.scoring.answers import has_answer
from lapca_bench.search.exact.top_k import top_k
from lapca_bench.store.vectors import VectorStore
from lapca_bench.training.batches.questions import AnsweredQuestion
from lapca_bench.types import Document

Passages = Callable[[], Iterable[Document]]


def passages_of(questions: Sequence[AnsweredQuestion]) -> Iterator[Document]:
    """Every passage of the questions, each text once, with ids of their own."""
    seen: set[tuple[str, str]] = set()
    for question in questions:
        for one in (*question.positives, *question.negatives):
            if (one.title, one.text) not in seen:
                seen.add((one.title, one.text))
                yield Document(str(len(seen)), one.text, one.title)


def mine_negatives(
    questions: Sequence[AnsweredQuestion], passages: Passages, encoder: Encoder, store: VectorStore, depth: int
) -> dict[str, list[Document]]:
    """For each question its `depth` nearest passages without those that are positive or hold one of its answers.

    Encoding goes on where it was interrupted (the store keeps it). Answers are sought as DPR's evaluation seeks them.
    """
    corpus = store.documents(encoder, passages())
    ids = corpus.ids.to_pylist()
    queries = encoder.encode_queries([question.text for question in questions])
    hits = top_k(queries, corpus.matrices(), depth, lambda: np.argsort(np.argsort(ids)))
    order = np.lexsort((hits.rows, -hits.scores, hits.queries))
    wanted = {ids[row] for row in hits.rows}
    texts = {one.id: one for one in passages() if one.id in wanted}
    found: dict[str, list[Document]] = {question.id: [] for question in questions}
    for row, place in zip(hits.rows[order], hits.queries[order], strict=True):
        question, passage = questions[place], texts[ids[row]]
        positive = any(passage.text == one.text for one in question.positives)
        if not positive and not has_answer(passage.content(), question.answers):
            found[question.id].append(passage)
    return found


def write_negatives(path: Path, found: Mapping[str, Sequence[Document]]) -> None:
    """One JSON line per question."""
    rows = (
        {"id": name, "negatives": [{"docid": one.id, "title": one.title, "text": one.text} for one in passages]}
        for name, passages in found.items()
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_negatives(path: Path) -> dict[str, list[Document]]:
    """What `write_negatives` wrote; raises `InputError` for anything else."""
    try:
        rows = [json_value(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        return {
            row["id"]: [Document(one["docid"], one["text"], one["title"]) for one in row["negatives"]] for row in rows
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "delete it; the negatives are mined again then"
        raise InputError(f"not a file of mined negatives: {error}", path=path, remedy=remedy) from error
