"""`Run` and `Qrels`: what a system returned and what is relevant, as columns, each in one canonical order.

The order of a run is fixed here, once, before any measure, cut-off, writer or fusion sees it: score descending, then
document id descending, which is trec_eval's order (`form_res_rels.c`). Scores are float32, as trec_eval's releases read
them, so a run and its exported file can never be ordered differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.vocabulary import sorted_vocabulary

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


def _canonical_order(query_of: Int64, codes: Int64, values: Float32) -> Int64 | None:
    """The order by query, then by falling score, then by falling document id; None where rows stand so already.

    Most run files do, but for ties: then the tied rows alone are sorted, each group within the places that it has.
    """
    same_query = query_of[1:] == query_of[:-1]
    if not ((query_of[1:] > query_of[:-1]) | (same_query & (values[1:] <= values[:-1]))).all():
        return np.lexsort((-codes, -values, query_of)).astype(np.int64, copy=False)
    tie = same_query & (values[1:] == values[:-1])
    if not (tie & (codes[1:] > codes[:-1])).any():
        return None
    tied = np.flatnonzero(np.append(tie, False) | np.append(False, tie))
    order = np.arange(len(codes))
    order[tied] = tied[np.lexsort((-codes[tied], -values[tied], query_of[tied]))]
    return order


@dataclass(frozen=True, eq=False)
class Run:
    """Ranked documents per query, in canonical order.

    `queries[i]` owns the slice `offsets[i]:offsets[i+1]` of `codes` and `scores`; `codes` index `vocabulary`, the
    distinct document ids in ascending order, so a larger code is a larger id. A query with an empty slice retrieved
    nothing. `notes` carries what the system wants recorded with the run (timings in seconds, index bytes, first
    encoded texts).
    """

    name: str
    queries: tuple[str, ...]
    offsets: Int64
    codes: Int64
    scores: Float32
    vocabulary: npt.NDArray[np.object_]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_columns(
        cls,
        name: str,
        queries: Sequence[str],
        rows: npt.ArrayLike,
        documents: Sequence[str],
        scores: npt.ArrayLike,
        notes: Mapping[str, Any] | None = None,
    ) -> Run:
        """A run from columns in any order: `rows[j]` is the index in `queries` that result j belongs to.

        Raises `InputError` for duplicate queries, a document twice under one query, a non-finite score, an empty id,
        or columns of different lengths.
        """
        query_of = np.asarray(rows, dtype=np.int64)
        with np.errstate(over="ignore"):
            values = np.asarray(scores, dtype=np.float64).astype(np.float32)
        if not len(query_of) == len(documents) == len(values):
            raise InputError(f"run {name!r}: {len(query_of)} rows, {len(documents)} documents, {len(values)} scores")
        if len(set(queries)) != len(queries):
            raise InputError(f"run {name!r} holds a query id twice", remedy="make the query ids unique")
        vocabulary, codes = sorted_vocabulary(documents)
        if len(vocabulary) and vocabulary[0] == "":
            raise InputError(f"run {name!r} holds an empty document id", remedy="give every document an id")
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            where = f"query {queries[query_of[bad[0]]]!r}, document {documents[bad[0]]!r}"
            raise InputError(
                f"run {name!r} holds {len(bad)} NaN or infinite scores (first: {where})",
                remedy="scores must be finite in float32; mend the system that wrote them",
            )
        order = _canonical_order(query_of, codes, values)
        if order is not None:
            query_of, codes, values = query_of[order], codes[order], values[order]
        key = np.sort(query_of * max(len(vocabulary), 1) + codes)
        twice = np.flatnonzero(key[1:] == key[:-1])
        if len(twice):
            row, code = divmod(int(key[twice[0]]), max(len(vocabulary), 1))
            raise InputError(
                f"run {name!r}: query {queries[row]!r} holds document {vocabulary[code]!r} twice",
                remedy="keep one score per document and query",
            )
        offsets = np.searchsorted(query_of, np.arange(len(queries) + 1)).astype(np.int64)
        return cls(name, tuple(queries), offsets, codes, values, vocabulary, dict(notes or {}))

    @classmethod
    def from_dict(cls, name: str, ranking: Mapping[str, Mapping[str, float]]) -> Run:
        """A run from `{query: {document: score}}`; raises as `from_columns` does."""
        queries = list(ranking)
        rows = [i for i, query in enumerate(queries) for _ in ranking[query]]
        documents = [document for query in queries for document in ranking[query]]
        scores = [score for query in queries for score in ranking[query].values()]
        return cls.from_columns(name, queries, rows, documents, scores)

    def __len__(self) -> int:
        """Number of (query, document) rows."""
        return len(self.codes)

    def ranking(self, query: str) -> list[tuple[str, float]]:
        """The (document, score) pairs of one query, best first; empty for an unknown query."""
        index = self.index.get(query)
        if index is None:
            return []
        part = slice(self.offsets[index], self.offsets[index + 1])
        return list(zip(self.vocabulary[self.codes[part]].tolist(), self.scores[part].tolist(), strict=True))

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of each query id in `queries`."""
        return {query: i for i, query in enumerate(self.queries)}

    def rows(self) -> Iterator[tuple[str, str, float, int]]:
        """(query, document, score, rank from 1), in canonical order."""
        for i, query in enumerate(self.queries):
            for rank, j in enumerate(range(int(self.offsets[i]), int(self.offsets[i + 1])), start=1):
                yield query, self.vocabulary[self.codes[j]], float(self.scores[j]), rank

    def query_rows(self) -> Int64:
        """For each result row the index in `queries` it belongs to."""
        return np.repeat(np.arange(len(self.queries), dtype=np.int64), np.diff(self.offsets))

    def cut(self, k: int) -> Run:
        """The first `k` documents of every query."""
        lengths = np.diff(self.offsets)
        within = np.arange(len(self.codes)) - np.repeat(self.offsets[:-1], lengths)
        keep = within < k
        offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, k))]).astype(np.int64)
        return Run(self.name, self.queries, offsets, self.codes[keep], self.scores[keep], self.vocabulary, self.notes)

    def renamed(self, name: str) -> Run:
        """The same run under another name."""
        return Run(name, self.queries, self.offsets, self.codes, self.scores, self.vocabulary, self.notes)


@dataclass(frozen=True)
class Qrels:
    """Graded judgements: `{query: {document: grade}}`; grade > 0 is relevant. A query may have no relevant document."""

    judgements: Mapping[str, Mapping[str, int]]

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, int]]) -> Qrels:
        """From (query, document, grade) rows; raises `InputError` when a pair is judged twice with different grades."""
        judgements: dict[str, dict[str, int]] = {}
        for query, document, grade in rows:
            graded = judgements.setdefault(query, {})
            if graded.setdefault(document, grade) != grade:
                raise InputError(
                    f"query {query!r} judges document {document!r} twice, as {graded[document]} and {grade}",
                    remedy="keep one judgement per query and document",
                )
        return cls(judgements)

    def __len__(self) -> int:
        """Number of judged queries."""
        return len(self.judgements)

    def relevant(self, query: str) -> set[str]:
        """The documents with a grade above zero; empty for an unjudged query."""
        return {document for document, grade in self.judgements.get(query, {}).items() if grade > 0}


@dataclass(frozen=True)
class Answers:
    """Accepted answer strings per query, for collections that judge passages by the answer they hold (XOR, MKQA)."""

    strings: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        """Number of queries with an entry."""
        return len(self.strings)


Relevance = Qrels | Answers
