"""Global mining: every block of a language against every block of another, links ignored (METHOD item 3, option).

The margin needs each block's k nearest of the other language only, so no full matrix is held. The neighbours are found
exactly, block by block, or approximately by faiss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from lapca_bench.encoders.extras import need
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact import top_k
from lapca_bench.training.linked import Block
from lapca_bench.training.mining import Chunk, Embed, MinedPair, needed
from lapca_bench.training.recipe import MiningSettings

Search = Literal["exact", "approximate"]
_SMALL = 2_000  # rows below which faiss compares with all of them too
_PROBES = 32


def global_candidates(chunk: Chunk, settings: MiningSettings, embed: Embed | None) -> Iterator[MinedPair]:
    """Mutual best pairs by margin of every language pair, from all blocks of all groups; threshold not applied.

    Raises `MissingResourceError` for approximate search without
    faiss.
    """
    by_language: dict[str, list[Block]] = {}
    for group in chunk:
        for language, part in group.items():
            by_language.setdefault(language, []).extend(part)
    vectors = {language: needed(embed)(language, part) for language, part in sorted(by_language.items())}
    for left, right in combinations(vectors, 2):
        found = mutual_nearest(vectors[left], vectors[right], settings.neighbours, settings.search)
        for row, column, margin in found:
            yield MinedPair(by_language[left][row], by_language[right][column], margin)


def mutual_nearest(left: Vectors, right: Vectors, k: int, search: Search) -> list[tuple[int, int, float]]:
    """(row, column, margin) where each is the other's best by ratio margin among its k nearest.

    Source: Artetxe & Schwenk 2019, section 3: margins over the k nearest of both directions, intersection.
    """
    nearest = {"exact": exact_nearest, "approximate": approximate_nearest}[search]
    columns, across = nearest(left, right, k)
    rows, down = nearest(right, left, k)
    mean_left, mean_right = across.mean(axis=1), down.mean(axis=1)
    forward = _margins(across, mean_left[:, None], mean_right[columns])
    backward = _margins(down, mean_right[:, None], mean_left[rows])
    best, chosen = forward.argmax(axis=1), backward.argmax(axis=1)
    return [
        (row, int(column), float(forward[row, best[row]]))
        for row, column in enumerate(columns[np.arange(len(left)), best])
        if rows[column, chosen[column]] == row
    ]


def _margins(cosines: Float32, own: Float32, others: Float32) -> Float32:
    both = (own + others) / 2
    return np.divide(cosines, both, out=np.zeros_like(cosines), where=both > 0)


def exact_nearest(queries: Vectors, rows: Vectors, k: int) -> tuple[Int64, Float32]:
    """Places and cosines of each query's `min(k, len(rows))` nearest rows, best first, ties by place."""
    k = min(k, len(rows))
    hits = top_k(queries, [rows], k, lambda: np.arange(len(rows), dtype=np.int64))
    order = np.lexsort((hits.rows, -hits.scores, hits.queries))
    return hits.rows[order].reshape(len(queries), k), hits.scores[order].reshape(len(queries), k)


def approximate_nearest(queries: Vectors, rows: Vectors, k: int) -> tuple[Int64, Float32]:
    """The same by faiss: rows in about sqrt(n) cells, of which the nearest 32 are searched; all of a small set."""
    faiss = need("faiss", "faiss")
    k = min(k, len(rows))
    contiguous = np.ascontiguousarray(rows, dtype=np.float32)
    index = faiss.IndexFlatIP(rows.shape[1])
    if len(rows) > _SMALL:
        index = faiss.IndexIVFFlat(index, rows.shape[1], int(np.sqrt(len(rows))), faiss.METRIC_INNER_PRODUCT)
        index.train(contiguous)
        index.nprobe = _PROBES
    index.add(contiguous)
    cosines, places = index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
    return places.astype(np.int64), cosines


def one_chunk(chunks: Sequence[Chunk]) -> Chunk:
    """All groups together."""
    return [group for chunk in chunks for group in chunk]
