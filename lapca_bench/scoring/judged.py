"""A run joined with judgements: for every judged query the grades of what was retrieved, in rank order.

The join is done once, in columns, and every rank measure reads it; a run of seven million rows joins in about a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.run import Int64, Run


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows of the judged queries. Query i owns rows `offsets[i]:offsets[i+1]`; a query missing from the run owns none.

    `documents` are codes (position in the run's vocabulary), `grades` the judgement of each row (0 where unjudged),
    `judged` whether it has one, `tied` whether a row has the same score as the row before it under the same query.
    `ideal` holds the positive grades of all judged documents per query in descending order, sliced by `ideal_offsets`,
    and `ideal_documents` their codes. `assessed` counts per query the documents with a grade from 0 on (a negative one
    says pooled but not judged). `names` gives the id of every code: the run's vocabulary, then judged documents that no
    query retrieved.
    """

    queries: tuple[str, ...]
    offsets: Int64
    documents: Int64
    grades: Int64
    judged: npt.NDArray[np.bool_]
    tied: npt.NDArray[np.bool_]
    ideal_offsets: Int64
    ideal: Int64
    ideal_documents: Int64
    assessed: Int64
    names: npt.NDArray[np.object_]

    def __len__(self) -> int:
        """Number of judged queries."""
        return len(self.queries)

    @cached_property
    def query_of(self) -> Int64:
        """For each row its query."""
        return np.repeat(np.arange(len(self.queries)), np.diff(self.offsets)).astype(np.int64)

    @cached_property
    def rank(self) -> Int64:
        """For each row its rank from 1."""
        return np.arange(1, len(self.grades) + 1, dtype=np.int64) - self.offsets[self.query_of]

    @cached_property
    def ideal_query_of(self) -> Int64:
        """For each positive judgement its query."""
        return np.repeat(np.arange(len(self.queries)), np.diff(self.ideal_offsets)).astype(np.int64)

    @cached_property
    def ideal_rank(self) -> Int64:
        """For each positive judgement its rank from 1 in the ideal order."""
        return np.arange(1, len(self.ideal) + 1, dtype=np.int64) - self.ideal_offsets[self.ideal_query_of]

    @cached_property
    def relevant(self) -> Int64:
        """Number of relevant documents per query."""
        return np.diff(self.ideal_offsets)

    @cached_property
    def found_rank(self) -> Int64:
        """For each positive judgement, in the order of `ideal`, the rank of its document; 0 where not retrieved."""
        width = len(self.names) + 1
        hits = np.flatnonzero(self.grades > 0)
        keys = self.query_of[hits] * width + self.documents[hits]
        order = np.argsort(keys)
        wanted = self.ideal_query_of * width + self.ideal_documents
        ranks = np.zeros(len(wanted), dtype=np.int64)
        if len(hits):
            place = order[np.minimum(np.searchsorted(keys[order], wanted), len(hits) - 1)]
            ranks = np.where(keys[place] == wanted, self.rank[hits[place]], 0)
        return ranks

    def among(self, documents: npt.NDArray[np.bool_]) -> Judged:
        """The same rows, where only relevant documents with a true entry in `documents` (by code) count as relevant."""
        return self._relevant(documents[self.ideal_documents], np.where(documents[self.documents], self.grades, 0))

    def at(self, level: int) -> Judged:
        """The same rows, where documents of a grade below `level` are not relevant."""
        return self._relevant(
            self.ideal >= level, np.where(self.grades >= level, self.grades, np.minimum(self.grades, 0))
        )

    def _relevant(self, keep: npt.NDArray[np.bool_], grades: Int64) -> Judged:
        """With these grades of the rows, and of the ideal order what is to be kept."""
        counts = np.bincount(self.ideal_query_of[keep], minlength=len(self))
        return replace(
            self,
            grades=grades,
            ideal_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            ideal=self.ideal[keep],
            ideal_documents=self.ideal_documents[keep],
        )

    def condensed(self) -> Judged:
        """Without the rows whose documents were not judged, as if they had not been retrieved (trec_eval -J)."""
        keep = self.judged & (self.grades >= 0)
        counts = np.bincount(self.query_of[keep], minlength=len(self))
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            documents=self.documents[keep],
            grades=self.grades[keep],
            judged=self.judged[keep],
            tied=self.tied[keep],
        )


def _encode(vocabulary: npt.NDArray[np.object_], documents: Sequence[str]) -> tuple[Int64, npt.NDArray[np.object_]]:
    """Codes of `documents` in the sorted `vocabulary`, and the vocabulary extended by the documents that it lacked."""
    found, inverse = np.unique(np.asarray(documents, dtype=object), return_inverse=True)
    codes = np.searchsorted(vocabulary, found).astype(np.int64)
    known = np.zeros(len(found), dtype=bool)
    inside = np.flatnonzero(codes < len(vocabulary))
    known[inside] = vocabulary[codes[inside]] == found[inside]
    codes[~known] = len(vocabulary) + np.arange(np.count_nonzero(~known))
    return codes[inverse], np.concatenate([vocabulary, found[~known]])


def join(run: Run, judgements: Mapping[str, Mapping[str, int]], queries: Sequence[str]) -> Judged:
    """Join `run` with the judgements of `queries`, in that order; rows of other queries are left out."""
    counts = [len(judgements[query]) for query in queries]
    documents = [document for query in queries for document in judgements[query]]
    grade_of = np.asarray([g for query in queries for g in judgements[query].values()], dtype=np.int64)
    judged_query = np.repeat(np.arange(len(queries), dtype=np.int64), counts)
    codes, names = _encode(run.vocabulary, documents)
    width = len(names) + 1

    places = np.asarray([run.index.get(query, -1) for query in queries], dtype=np.int64)
    lengths = np.where(places >= 0, np.diff(run.offsets)[places] if len(run.queries) else 0, 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    query_of = np.repeat(np.arange(len(queries), dtype=np.int64), lengths)
    within = np.arange(offsets[-1], dtype=np.int64) - offsets[query_of]
    rows = (run.offsets[places[query_of]] + within) if len(query_of) else query_of
    retrieved = run.codes[rows]
    scores = run.scores[rows]
    tied = np.zeros(len(rows), dtype=bool)
    tied[1:] = (scores[1:] == scores[:-1]) & (query_of[1:] == query_of[:-1])

    keys = judged_query * width + codes
    by_key = np.argsort(keys)
    grades = np.zeros(len(rows), dtype=np.int64)
    judged = np.zeros(len(rows), dtype=bool)
    if len(keys):
        known = np.zeros(width, dtype=bool)
        known[codes] = True
        of_any = np.flatnonzero(known[retrieved])  # few rows hold a document that any query judges
        wanted = query_of[of_any] * width + retrieved[of_any]
        slot = by_key[np.minimum(np.searchsorted(keys[by_key], wanted), len(keys) - 1)]
        judged[of_any] = keys[slot] == wanted
        grades[of_any] = np.where(judged[of_any], grade_of[slot], 0)

    positive = np.flatnonzero(grade_of > 0)
    positive = positive[np.lexsort((-grade_of[positive], judged_query[positive]))]
    ideal_counts = np.bincount(judged_query[positive], minlength=len(queries))
    ideal_offsets = np.concatenate([[0], np.cumsum(ideal_counts)]).astype(np.int64)
    return Judged(
        queries=tuple(queries),
        offsets=offsets,
        documents=retrieved,
        grades=grades,
        judged=judged,
        tied=tied,
        ideal_offsets=ideal_offsets,
        ideal=grade_of[positive],
        ideal_documents=codes[positive],
        assessed=np.bincount(judged_query[grade_of >= 0], minlength=len(queries)).astype(np.int64),
        names=names,
    )


@dataclass(frozen=True, eq=False)
class Languages:
    """The languages of a `Judged`: of query i `queries[i]`, of the document with code c `names[of[c]]`.

    `names` are in ascending order, and none where the languages of documents were not given.
    """

    queries: tuple[str, ...]
    names: tuple[str, ...]
    of: Int64


def languages_of(joined: Judged, queries: Sequence[str], documents: Mapping[str, str] | None) -> Languages:
    """Look up the languages of all documents in `joined`; raises `InputError` for a document without one."""
    if documents is None:
        return Languages(tuple(queries), (), np.zeros(0, dtype=np.int64))
    found = [documents.get(document, "") for document in joined.names.tolist()]
    if "" in found:
        raise InputError(
            f"document {joined.names[found.index('')]!r} has no language",
            remedy="language bias needs the language of every document that is retrieved or relevant",
        )
    names, codes = np.unique(np.asarray(found, dtype=object), return_inverse=True)
    return Languages(tuple(queries), tuple(names.tolist()), codes.astype(np.int64))
