"""Keeping the best of many scores: documents arrive block by block, the `k` best of every query stay."""

from __future__ import annotations

import numpy as np

from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact.top_k import Hits


class Best:
    """The `k` best rows of each of `queries` so far, equal scores by `id_ranks` (of all rows), the higher first."""

    def __init__(self, queries: int, k: int, id_ranks: Int64) -> None:
        self._k = k
        self._id_ranks = id_ranks
        self._hits = Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        self.kth = np.full(queries, -np.inf)  # the k-th best score so far: what is below it need not be added

    def add(self, queries: Int64, rows: Int64, scores: Float32) -> None:
        """Further hits, as parallel columns; a row comes once per query."""
        old = self._hits
        query_of = np.concatenate([old.queries, queries])
        row_of = np.concatenate([old.rows, rows])
        values = np.concatenate([old.scores, scores])
        order = np.lexsort((-self._id_ranks[row_of], -values, query_of))
        query_of, row_of, values = query_of[order], row_of[order], values[order]
        starts = np.searchsorted(query_of, np.arange(len(self.kth) + 1))
        keep = np.arange(len(query_of)) - starts[query_of] < self._k
        full = np.diff(starts) >= self._k
        self.kth[full] = values[starts[:-1][full] + self._k - 1]
        self._hits = Hits(query_of[keep], row_of[keep], values[keep])

    def hits(self) -> Hits:
        """What stayed."""
        return self._hits
