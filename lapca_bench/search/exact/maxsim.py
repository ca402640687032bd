"""Exact MaxSim over memory-mapped shards of token vectors, in blocks.

`score(q, d) = Σ_i max_j q_i · d_j` over the query's vectors q_i and the document's d_j (Khattab & Zaharia 2020,
ColBERT, arXiv:2004.12832, eq. 3). As in `exact`, a float32 matrix product finds candidates, everything within its
rounding error of the k-th best, and float64 products, rounded to float32, decide: equal documents have equal scores
wherever they lie.

Rounding error: each product is off by at most γ·|q_i|·|d_j| (see `exact`), and so is each maximum; a sum of m maxima in
float32 adds a relative m·u. A document or query without any vector is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact.best import Best
from lapca_bench.search.exact.top_k import Hits
from lapca_bench.store.shard import Stored

BLOCK_TOKENS = 16_384  # document vectors per matrix product
QUERY_TOKENS = 1_024  # query vectors per matrix product: with the above 64 MiB of products


@dataclass(frozen=True)
class Stack:
    """Several matrices on top of each other; `starts` has one more element than there are matrices, none empty."""

    vectors: Float32
    starts: Int64
    owners: Int64  # the number that each matrix has elsewhere

    @classmethod
    def of(cls, matrices: Sequence[Stored], width: int) -> Stack:
        """Of matrices in memory, numbered by their place."""
        owners = np.array([i for i, matrix in enumerate(matrices) if len(matrix)], dtype=np.int64)
        kept = [matrices[i] for i in owners]
        starts = np.concatenate([[0], np.cumsum([len(matrix) for matrix in kept])]).astype(np.int64)
        return cls(np.concatenate([np.empty((0, width), np.float32), *kept]), starts, owners)

    def part(self, first: int, last: int) -> Stack:
        """The matrices from `first` to before `last`."""
        starts = self.starts[first : last + 1]
        return Stack(self.vectors[starts[0] : starts[-1]], starts - starts[0], self.owners[first:last])

    def parts(self, vectors: int) -> Iterator[Stack]:
        """Consecutive parts of at most `vectors` vectors, or of one matrix that has more."""
        first = 0
        while first < len(self.owners):
            end = int(np.searchsorted(self.starts, self.starts[first] + vectors, side="right")) - 1
            last = max(end, first + 1)
            yield self.part(first, last)
            first = last

    def __getitem__(self, place: int) -> Float32:
        """One matrix."""
        return self.vectors[self.starts[place] : self.starts[place + 1]]


def top_k(
    queries: Sequence[Float32],
    shards: Iterable[tuple[Stored, Int64]],
    width: int,
    k: int,
    id_ranks: Int64,
    block_tokens: int = BLOCK_TOKENS,
) -> Hits:
    """The `k` best documents for each of `queries` (arrays `(tokens, width)`).

    `shards` gives (vectors, lengths): the vectors of a shard's documents one after the other, and how many each has.
    `id_ranks` is the rank of every document's id in ascending order.
    """
    asked = Stack.of(queries, width)
    best = Best(len(queries), k, id_ranks)
    longest = 0.0
    first = 0
    for vectors, lengths in shards:
        for block in _documents(vectors, lengths, first).parts(block_tokens):
            wide = Stack(block.vectors.astype(np.float32), block.starts, block.owners)
            longest = max(longest, float(np.sqrt(np.einsum("ij,ij->i", wide.vectors, wide.vectors).max())))
            for part in asked.parts(QUERY_TOKENS):
                _search_block(part, wide, longest, k, best)
        first += len(lengths)
    return best.hits()


def pair_scores(
    queries: Sequence[Float32], shards: Iterable[tuple[Stored, Int64]], width: int, query_of: Int64, rows: Int64
) -> Float32:
    """The score of each pair (query `query_of[i]`, document `rows[i]`); 0 where one of them has no vector."""
    asked = Stack.of(queries, width)
    scores = np.zeros(len(rows), dtype=np.float32)
    first = 0
    for vectors, lengths in shards:
        documents = _documents(vectors, lengths, first)
        here = np.flatnonzero(np.isin(rows, documents.owners) & np.isin(query_of, asked.owners))
        place = np.searchsorted(asked.owners, query_of[here])
        scores[here] = _exact_scores(asked, documents, place, np.searchsorted(documents.owners, rows[here]))
        first += len(lengths)
    return scores


def _documents(vectors: Stored, lengths: Int64, first: int) -> Stack:
    """A shard as a stack: the vectors stay where they are."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    filled = np.flatnonzero(lengths > 0)
    return Stack(vectors, np.append(starts[filled], starts[-1]), filled + first)


def _search_block(asked: Stack, documents: Stack, longest: float, k: int, best: Best) -> None:
    """Add to `best` what a block of documents holds for some queries."""
    scores = _scores(asked, documents)
    unit = (asked.vectors.shape[1] + 2 + np.diff(asked.starts).max()) * 2.0**-24
    lengths = np.linalg.norm(asked.vectors.astype(np.float64), axis=1)
    error = 2 * unit / (1 - unit) * np.add.reduceat(lengths, asked.starts[:-1]) * longest
    floor = best.kth[asked.owners]
    if scores.shape[1] > k:
        own = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        floor = np.maximum(floor, own)
    place, row = np.nonzero(scores >= (floor - error)[:, None])
    if len(place):
        best.add(asked.owners[place], documents.owners[row], _exact_scores(asked, documents, place, row))


def _scores(asked: Stack, documents: Stack) -> Float32:
    """float32 `(queries, documents)`."""
    products = asked.vectors @ documents.vectors.T
    closest = np.maximum.reduceat(products, documents.starts[:-1], axis=1)
    return np.add.reduceat(closest, asked.starts[:-1], axis=0)


def _exact_scores(asked: Stack, documents: Stack, place: Int64, row: Int64) -> Float32:
    """The score that decides of each pair (query `asked[place[i]]`, document `documents[row[i]]`)."""
    scores = np.empty(len(place), dtype=np.float32)
    order = np.argsort(row, kind="stable")
    edges = np.searchsorted(row[order], np.arange(len(documents.owners) + 1))
    wide = asked.vectors.astype(np.float64)
    for number in np.unique(row):
        pairs = order[edges[number] : edges[number + 1]]
        document = documents[number].astype(np.float64).T
        chosen = place[pairs]
        sizes = np.diff(asked.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        tokens = np.repeat(asked.starts[chosen] - starts, sizes) + np.arange(sizes.sum())
        closest = (wide[tokens] @ document).max(axis=1)
        scores[pairs] = np.add.reduceat(closest, starts)
    return scores + np.float32(0)
