"""Global mining: every block of a language against every block of another, links ignored (METHOD item 3, option).

The margin needs each block's k nearest of the other language only, so no full matrix is held. The neighbours are found
exactly, block by block, or approximately by faiss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

import numpy as np

from lapca_bench.extras import need
from lapca_bench.margin import ratio_margin
from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact.top_k import top_k
from lapca_bench.store.executor import Executor
from lapca_bench.training.mining.chunks import Chunk, MinedPair, blocks_by_language
from lapca_bench.training.mining.margin import Embed, Matrices, stacked
from lapca_bench.training.mining.settings import MiningSettings

Search = Literal["exact", "approximate"]
Neighbours = tuple[Int64, Float32]  # places and cosines, a row per query
_SMALL = 2_000  # rows below which faiss compares with all of them too
_PROBES = 32


@dataclass(frozen=True)
class Nearest:
    """The task that an executor runs on every pair of sides: what `queries` have nearest among `rows`."""

    k: int
    search: Search

    def __call__(self, sides: tuple[Matrices, Matrices]) -> Neighbours:
        """As `exact_nearest` and `approximate_nearest` return it."""
        queries, rows = sides
        return {"exact": exact_nearest, "approximate": approximate_nearest}[self.search](queries, rows, self.k)


def pairs_anywhere(chunk: Chunk, settings: MiningSettings, embed: Embed, executor: Executor) -> Iterator[MinedPair]:
    """Mutual best pairs by margin of every language pair, from all blocks of all groups; threshold not applied.

    Each direction of a language pair is a shard of work, or, where the search is exact, as many as there are workers.
    Raises `MissingResourceError` for approximate search without faiss.
    """
    blocks = blocks_by_language(chunk)
    vectors = embed(blocks)
    # faiss learns its cells from the rows: once for all queries.
    parts = executor.workers if settings.search == "exact" else 1
    cut = {language: _cut(matrices, parts) for language, matrices in vectors.items()}
    directions = [ends for pair in combinations(vectors, 2) for ends in (pair, pair[::-1])]
    sides = ((queries, vectors[to]) for of, to in directions for queries in cut[of])
    found = executor.map(Nearest(settings.neighbours, settings.search), sides)
    for left, right in combinations(vectors, 2):
        forward = _joined(list(islice(found, len(cut[left]))))
        backward = _joined(list(islice(found, len(cut[right]))))
        for row, column, margin in mutual_nearest(forward, backward):
            yield MinedPair(blocks[left][row], blocks[right][column], margin)


def _cut(matrices: Matrices, parts: int) -> list[Matrices]:
    """At most `parts` runs of consecutive matrices."""
    size = max(1, -(-len(matrices) // parts))
    return [matrices[first : first + size] for first in range(0, len(matrices), size)]


def _joined(parts: Sequence[Neighbours]) -> Neighbours:
    return np.concatenate([places for places, _ in parts]), np.concatenate([cosines for _, cosines in parts])


def mutual_nearest(forward: Neighbours, backward: Neighbours) -> list[tuple[int, int, float]]:
    """(row, column, margin) where each is the other's best by ratio margin among its k nearest.

    `forward` holds the left side's nearest on the right, `backward` the right side's on the left.
    Source: Artetxe & Schwenk 2019, section 3: margins over the k nearest of both directions, intersection.
    """
    (columns, across), (rows, down) = forward, backward
    mean_left, mean_right = across.mean(axis=1), down.mean(axis=1)
    of_left = ratio_margin(across, mean_left[:, None], mean_right[columns])
    of_right = ratio_margin(down, mean_right[:, None], mean_left[rows])
    best, chosen = of_left.argmax(axis=1), of_right.argmax(axis=1)
    return [
        (row, int(column), float(of_left[row, best[row]]))
        for row, column in enumerate(columns[np.arange(len(columns)), best])
        if rows[column, chosen[column]] == row
    ]


def exact_nearest(queries: Matrices, rows: Matrices, k: int) -> Neighbours:
    """Places and cosines of each query's `min(k, rows)` nearest rows, best first, ties by place."""
    asked, count = stacked(queries), sum(map(len, rows))
    k = min(k, count)
    hits = top_k(asked, rows, k, lambda: np.arange(count, dtype=np.int64))
    order = np.lexsort((hits.rows, -hits.scores, hits.queries))
    return hits.rows[order].reshape(len(asked), k), hits.scores[order].reshape(len(asked), k)


def approximate_nearest(queries: Matrices, rows: Matrices, k: int) -> Neighbours:
    """The same by faiss: rows in about sqrt(n) cells, of which the nearest 32 are searched; all of a small set."""
    faiss = need("faiss", "faiss")
    known = stacked(rows)
    index = faiss.IndexFlatIP(known.shape[1])
    if len(known) > _SMALL:
        index = faiss.IndexIVFFlat(index, known.shape[1], int(np.sqrt(len(known))), faiss.METRIC_INNER_PRODUCT)
        index.train(known)
        index.nprobe = _PROBES
    index.add(known)
    cosines, places = index.search(stacked(queries), min(k, len(known)))
    return places.astype(np.int64), cosines
