"""Exact nearest neighbours by dot product over memory-mapped shards, in blocks, never a full query × corpus matrix.

Two steps make the result independent of block size, shard size, threads and BLAS. A float32 matrix product per block
finds candidates: everything within its rounding error of the k-th best. The candidates are then scored again, each by
a float64 dot product rounded to float32, and only these scores decide. Equal vectors therefore have equal scores, and
ties at the cut are decided by document id, descending, like everywhere else.

Rounding error of the product: |computed − true| ≤ γ·|q|·|d| with γ = n·u / (1 − n·u), n the dimension and u = 2⁻²⁴ the
unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1).

Where the processor multiplies bfloat16, such products tell first which pairs may be candidates (`bfloat16.py`), and
only those get a float32 product. Where they are many, as in the first blocks, the block is multiplied in float32.

Blocks are scanned by one thread per core, each with a BLAS of one thread: widening float16, the product and the search
for candidates then all run on all cores, and a block's scores stay in the cache of the core that looks through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.threads import blas, in_order, in_order_by_torch, usable_threads
from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact import bfloat16
from lapca_bench.search.exact.buffers import Buffers
from lapca_bench.store.shard import Stored

BLOCK_ROWS = 2_048  # corpus rows per matrix product, of one shard or of several neighbours
QUERY_BLOCK = 1_000  # queries per matrix product: with the rows above an 8 MiB block of scores per core
QUERY_POOL = 8_192  # queries that share one pass over the corpus; bounds what is kept of them
FEW = 32  # one pair in so many: the product of a pair by itself takes as long as so many within a matrix product


@dataclass(frozen=True)
class Hits:
    """Parallel columns, in no order: `queries` and `rows` are indices, at most k rows per query."""

    queries: Int64
    rows: Int64
    scores: Float32


def top_k(
    queries: Float32,
    matrices: Sequence[Stored],
    k: int,
    id_ranks: Callable[[], Int64],
    block_rows: int = BLOCK_ROWS,
) -> Hits:
    """The `k` best rows of the stacked `matrices` for each of `queries` (`(n, dimension)` float32).

    `id_ranks()` gives the rank of every row's document id in ascending order; it is called only for a tie on the cut.
    """
    parts = [
        _Search(queries[start : start + QUERY_POOL], matrices, k, id_ranks).run(block_rows, start)
        for start in range(0, len(queries), QUERY_POOL)
    ]
    if not parts:
        return Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    return Hits(
        np.concatenate([part.queries for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def best_of(parts: Sequence[Hits], queries: int, k: int, id_ranks: Callable[[], Int64]) -> Hits:
    """The `k` best rows of each query over the hits of disjoint parts of a corpus: those of the whole, to the bit."""
    columns = _Columns.joined([_Columns(part.queries, part.rows, part.scores) for part in parts])
    best = columns.best(queries, k, id_ranks)
    return Hits(best.queries, best.rows, best.scores)


def pair_scores(queries: Float32, matrices: Sequence[Stored], query_of: Int64, rows: Int64) -> Float32:
    """The score that decides of each pair (`queries[query_of[i]]`, row `rows[i]` of the stacked `matrices`).

    float64 dot products, rounded to float32; computed matrix by matrix, a few thousand pairs at a time.
    """
    bounds = np.cumsum([0, *(len(matrix) for matrix in matrices)])
    scores = np.empty(len(rows), dtype=np.float32)
    order = np.argsort(rows, kind="stable")
    edges = np.searchsorted(rows[order], bounds)
    for shard in np.flatnonzero(np.diff(edges)):
        matrix = matrices[int(shard)]
        for first in range(edges[shard], edges[shard + 1], 4096):
            pairs = order[first : min(first + 4096, edges[shard + 1])]
            documents = matrix[rows[pairs] - bounds[shard]].astype(np.float64)
            documents *= queries[query_of[pairs]]
            scores[pairs] = documents.sum(axis=1)
    return scores + np.float32(0)  # negative zero becomes zero


class _Search:
    """One pass over the corpus. The pool holds, per query, the best k rows so far and all that may still equal them."""

    def __init__(self, queries: Float32, matrices: Sequence[Stored], k: int, id_ranks: Callable[[], Int64]) -> None:
        self._queries = queries
        # Rows times columns: BLAS is faster on queries that lie transposed, and floors by column are compared faster.
        self._columns = [
            np.ascontiguousarray(queries[first : first + QUERY_BLOCK].T)
            for first in range(0, len(queries), QUERY_BLOCK)
        ]
        self._matrices = matrices
        self._bounds = np.cumsum([0, *(len(matrix) for matrix in matrices)])
        self._k = k
        self._id_ranks = id_ranks
        unit = (queries.shape[1] + 2) * 2.0**-24  # two more roundings: of the scores that decide
        # Twice: the k-th best and the row compared with it may both be off. float64, rounded up once more below.
        self._error = 2 * unit / (1 - unit) * np.linalg.norm(queries.astype(np.float64), axis=1)
        self._longest = 0.0  # norm of the longest row seen
        self._kth = np.full(len(queries), -np.inf)  # the k-th best score by the matrix product so far
        self._pool = _Columns.empty()
        self._waiting: list[_Columns] = []
        self._buffers = Buffers()
        self._filters: list[bfloat16.Filter] = []
        if bfloat16.pays(len(queries), int(self._bounds[-1]), queries.shape[1]):
            self._filters = [
                bfloat16.Filter(queries[first : first + QUERY_BLOCK], self._buffers)
                for first in range(0, len(queries), QUERY_BLOCK)
            ]

    def run(self, block_rows: int, offset: int) -> Hits:
        spans = [
            (start, min(start + block_rows, int(self._bounds[-1])))
            for start in range(0, int(self._bounds[-1]), block_rows)
        ]
        with blas().limit(limits=1, user_api="blas"):
            for span in spans[:1]:  # alone: without floors, the blocks after it would let k rows each through
                self._collect(*self._scan(span))
                self._merge()
            threads = in_order_by_torch if self._filters else in_order
            for found in threads(self._scan, spans[1:], usable_threads()):
                self._collect(*found)
                if sum(len(part.queries) for part in self._waiting) > max(len(self._pool.queries) // 2, 4096):
                    self._merge()
        self._merge()
        best = self._decide(self._pool)
        return Hits(best.queries + offset, best.rows, best.scores)

    def _collect(self, longest: float, parts: list[_Columns]) -> None:
        self._longest = max(self._longest, longest)
        self._waiting += parts

    def _scan(self, span: tuple[int, int]) -> tuple[float, list[_Columns]]:
        """The norm of the longest row of a block, and what may be among the k best. Runs in several threads at once.

        They read floors that another block is about to raise: an old floor lets more through, never less.
        """
        kth = self._kth  # before `longest`: the rows that set these were counted into it
        block = self._rows(*span)
        longest = float(np.sqrt(np.einsum("ij,ij->i", block, block).max())) * (1 + 1e-5)
        floor = kth - self._error * max(self._longest, longest)
        # Of rows in random order, k in `span[0]` are among the best so far.
        few = bool(self._filters) and span[0] >= FEW * self._k
        rounded = bfloat16.rounded(block, longest, self._buffers) if few else None
        found = []
        for first in range(0, len(self._queries), QUERY_BLOCK):
            part = floor[first : first + QUERY_BLOCK]
            columns = self._few_candidates(block, rounded, first, part) if rounded else None
            found.append(columns or self._candidates(block, first, part, longest))
        return longest, [_Columns(part.queries, part.rows + span[0], part.scores) for part in found]

    def _rows(self, start: int, stop: int) -> Float32:
        """Rows of the stacked matrices as one float32 block; what is stored as float16 is widened here."""
        shard = int(np.searchsorted(self._bounds, start, side="right")) - 1
        matrix, first = self._matrices[shard], start - int(self._bounds[shard])
        if stop <= self._bounds[shard + 1] and matrix.dtype == np.float32:
            return np.ascontiguousarray(matrix[first : first + stop - start])
        block: Float32 = self._buffers.array("rows", (stop - start, self._queries.shape[1]))
        filled = 0
        while True:
            part = matrix[first : first + len(block) - filled]
            if part.dtype == np.float16:
                widen(part, block[filled : filled + len(part)])
            else:
                block[filled : filled + len(part)] = part
            filled += len(part)
            if filled == len(block):
                return block
            shard, first = shard + 1, 0
            matrix = self._matrices[shard]

    def _few_candidates(
        self, block: Float32, rounded: bfloat16.Rounded, first: int, floor: npt.NDArray[np.float64]
    ) -> _Columns | None:
        """What `_candidates` finds, by another way; None where it is not the faster one, or no way at all."""
        if not np.isfinite(floor).all():
            return None
        most = len(block) * len(floor) // FEW
        found = self._filters[first // QUERY_BLOCK].pairs(rounded, floor, most)
        if found is None:
            return None
        row, query = np.divmod(found, len(floor))
        scores = self._products(block, row, query + first)
        kept = scores >= _below(floor)[query]
        return _Columns(query[kept] + first, row[kept], scores[kept])

    def _products(self, block: Float32, row: Int64, query: Int64) -> Float32:
        """float32 products of pairs, a few hundred at a time."""
        scores = np.empty(len(row), np.float32)
        for start in range(0, len(row), 512):
            part = slice(start, start + 512)
            np.einsum("ij,ij->i", block[row[part]], self._queries[query[part]], out=scores[part])
        return scores

    def _candidates(self, block: Float32, first: int, floor: npt.NDArray[np.float64], longest: float) -> _Columns:
        """What may be among the k best, of one block of rows and one block of queries."""
        columns = self._columns[first // QUERY_BLOCK]
        scores = np.matmul(block, columns, out=self._buffers.array("scores", (len(block), columns.shape[1])))
        if len(block) > self._k and not np.isfinite(floor).all():
            kth = np.partition(scores, len(block) - self._k, axis=0)[len(block) - self._k]
            floor = np.maximum(floor, kth - self._error[first : first + QUERY_BLOCK] * longest)
        chosen = self._buffers.array("chosen", scores.shape, np.bool_)
        np.greater_equal(scores, _below(floor), out=chosen)
        found = np.flatnonzero(chosen)
        row, query = np.divmod(found, scores.shape[1])
        return _Columns(query + first, row, scores.ravel()[found])

    def _floor(self) -> npt.NDArray[np.float64]:
        """Below it a row cannot be among the k best. It falls again when a longer row, with a larger error, comes."""
        floor: npt.NDArray[np.float64] = self._kth - self._error * self._longest
        return floor

    def _merge(self) -> None:
        """Bring what waits into the pool, raise the floors, and drop what lies below them."""
        if not self._waiting:
            return
        columns = _Columns.joined([self._pool, *self._waiting])
        self._waiting = []
        columns, starts = columns.ordered(len(self._queries))
        counts = np.diff(starts)
        full = counts >= self._k
        kth = columns.scores[starts[:-1][full] + self._k - 1]
        raised = self._kth.copy()  # another array: threads may be reading this one
        raised[full] = np.maximum(raised[full], kth)
        self._kth = raised
        place = np.arange(len(columns.queries)) - starts[columns.queries]
        columns = columns.take((place < self._k) | (columns.scores >= self._floor()[columns.queries]))
        crowded = np.bincount(columns.queries, minlength=len(self._queries)) > 2 * self._k + 256
        if crowded.any():  # more near-ties than are worth carrying along
            within = crowded[columns.queries]
            columns = _Columns.joined([columns.take(~within), self._decide(columns.take(within))])
        self._pool = columns

    def _decide(self, columns: _Columns) -> _Columns:
        """The k best of each query by the scores that count, ties on the cut by document id."""
        scores = pair_scores(self._queries, self._matrices, columns.queries, columns.rows)
        columns = _Columns(columns.queries, columns.rows, scores)
        return columns.best(len(self._queries), self._k, self._id_ranks)


@dataclass(frozen=True)
class _Columns:
    queries: Int64
    rows: Int64
    scores: Float32

    @classmethod
    def empty(cls) -> _Columns:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))

    @classmethod
    def joined(cls, parts: Sequence[_Columns]) -> _Columns:
        return cls(
            np.concatenate([part.queries for part in parts]),
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def take(self, which: npt.NDArray[np.bool_] | Int64) -> _Columns:
        return _Columns(self.queries[which], self.rows[which], self.scores[which])

    def best(self, queries: int, k: int, id_ranks: Callable[[], Int64]) -> _Columns:
        """The k first of each query, ties on the cut by document id."""
        columns, starts = self.ordered(queries)
        cut = starts[:-1] + k
        cut = cut[cut < starts[1:]]
        if (columns.scores[cut] == columns.scores[cut - 1]).any():
            ranks = id_ranks()[columns.rows]
            columns = columns.take(np.lexsort((-ranks, -columns.scores, columns.queries)))
        place = np.arange(len(columns.queries)) - starts[columns.queries]
        return columns.take(place < k)

    def ordered(self, queries: int) -> tuple[_Columns, Int64]:
        """By query, then by falling score; with the place where each query starts (`queries` + 1 values)."""
        bits = self.scores.view(np.int32)
        rising = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))  # orders as the floats do, negative ones too
        columns = self.take(np.argsort((self.queries << 32) - rising.astype(np.int64)))
        return columns, np.searchsorted(columns.queries, np.arange(queries + 1))


def _below(floor: npt.NDArray[np.float64]) -> Float32:
    """Each floor in float32, rounded down."""
    return np.nextafter(floor.astype(np.float32), np.float32(-np.inf))


def widen(half: npt.NDArray[np.float16], single: Float32) -> None:
    """float16 to float32 for finite numbers, as all in a store are, in a quarter of the time of numpy's own conversion.

    The sign stays on top, exponent and fraction move into place, and the exponent's bias grows from 15 to 127.
    """
    bits = single.view(np.int32)
    np.left_shift(half.view(np.int16), 13, out=bits, dtype=np.int32)
    np.bitwise_and(bits, np.int32(-0x70000001), out=bits)
    np.multiply(single, np.float32(2.0**112), out=single)
