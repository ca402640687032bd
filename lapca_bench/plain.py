"""Runs and judgements as people hold them in Python: dictionaries, data frames, rows, files, or this package's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError, UsageError
from lapca_bench.run import Qrels, Run
from lapca_bench.store.runs import read_qrels, read_run

# Names of columns in use, in lower case: pyterrier's, ir_measures', ranx's, trec_eval's and plain ones.
_QUERY = ("query", "query_id", "qid", "q_id", "topic", "topic_id")
_DOCUMENT = ("document", "doc_id", "docid", "docno", "doc", "document_id")
_SCORE = ("score", "sim", "similarity")
_GRADE = ("grade", "relevance", "rel", "label", "relevance_label")


def as_run(run: object, name: str = "run") -> Run:
    """A `Run` of what `run` is: a path, `{query: {document: score}}`, a data frame, or (query, document, score) rows.

    Raises `UsageError` for anything else, `InputError` for an id that is no text and no whole number, a score that is
    no finite number, or a document twice under one query.
    """
    if isinstance(run, Run):
        return run
    if isinstance(run, str | Path):
        return read_run(Path(run))
    rows = [(_id(query), _id(document), _score(score)) for query, document, score in _rows(run, _SCORE, "run")]
    queries = list(dict.fromkeys(query for query, _, _ in rows))
    if isinstance(run, Mapping):
        queries = [_id(query) for query in run]  # also those that retrieved nothing
    place = {query: number for number, query in enumerate(queries)}
    return Run.from_columns(
        name, queries, [place[query] for query, _, _ in rows], [document for _, document, _ in rows],
        [score for _, _, score in rows],
    )  # fmt: skip


def as_qrels(qrels: object) -> Qrels:
    """`Qrels` of what `qrels` is: a path, `{query: {document: grade}}`, a data frame, or (query, document, grade) rows.

    Raises as `as_run` does; a grade is a whole number.
    """
    if isinstance(qrels, Qrels):
        return qrels
    if isinstance(qrels, str | Path):
        return read_qrels(Path(qrels))
    rows = _rows(qrels, _GRADE, "qrels")
    return Qrels.from_rows((_id(query), _id(document), _grade(grade)) for query, document, grade in rows)


def _rows(given: object, value: tuple[str, ...], what: str) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(given, Mapping):
        for query, found in given.items():
            if not isinstance(found, Mapping):
                raise UsageError(f"{what}: query {query!r} holds no {{document: number}}", remedy=_remedy(value))
            for document, number in found.items():
                yield query, document, number
    elif hasattr(given, "columns") and hasattr(given, "itertuples"):
        yield from _of_frame(given, value, what)
    elif isinstance(given, Iterable):
        for row in given:
            if not isinstance(row, tuple | list) or len(row) < 3:
                raise UsageError(f"{what}: {row!r} is no row", remedy=_remedy(value))
            yield row[0], row[1], row[2]
    else:
        raise UsageError(f"{what}: a {type(given).__name__} is none that can be read", remedy=_remedy(value))


def _of_frame(frame: Any, value: tuple[str, ...], what: str) -> Iterator[tuple[Any, Any, Any]]:
    of_name = {str(column).lower(): column for column in frame.columns}
    chosen = []
    for names in (_QUERY, _DOCUMENT, value):
        found = [of_name[name] for name in names if name in of_name]
        if not found:
            listed = ", ".join(map(repr, frame.columns))
            raise UsageError(f"{what}: no column {names[0]!r} among {listed}", remedy=_remedy(value))
        chosen.append(frame[found[0]].tolist())
    yield from zip(*chosen, strict=True)


def _remedy(value: tuple[str, ...]) -> str:
    return f"give a path, {{query: {{document: {value[0]}}}}}, or a data frame with query, document and {value[0]}"


def _id(given: object) -> str:
    """An id as text; 1 and "1" are one id. A fraction would be written in several ways, so it is refused."""
    if isinstance(given, str):
        return given
    if not isinstance(given, bool) and isinstance(given, Integral):
        return str(int(given))
    raise InputError(f"id {given!r} is no text and no whole number", remedy="write ids as text")


def _score(given: object) -> float:
    if isinstance(given, Real) and isfinite(float(given)):
        return float(given)
    raise InputError(f"score {given!r} is no finite number", remedy="leave out what was not retrieved")


def _grade(given: object) -> int:
    if isinstance(given, Real) and float(given).is_integer():
        return int(float(given))
    raise InputError(f"grade {given!r} is no whole number", remedy="write grades such as 0, 1 or 2")
