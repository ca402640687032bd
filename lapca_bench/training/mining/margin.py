"""Alignment mining inside linked pages: which of their blocks say the same, by ratio margin (METHOD item 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.threads import blas
from lapca_bench.margin import ratio_margin
from lapca_bench.training.mining.chunks import Chunk, MinedPair, blocks_by_language
from lapca_bench.training.text.linked import Block

Matrices = Sequence[Vectors]  # stacked, one language's rows; `Shards` are read where they are needed
Embed = Callable[[Mapping[str, Sequence[Block]]], Mapping[str, Matrices]]  # blocks -> normalised rows, by language
Margins = npt.NDArray[np.float64]


def margin_pairs(chunk: Chunk, embed: Embed, neighbours: int) -> Iterator[MinedPair]:
    """Mutual best pairs by margin of every two linked pages; the threshold is not applied yet."""
    vectors = {language: stacked(matrices) for language, matrices in embed(blocks_by_language(chunk)).items()}
    taken = dict.fromkeys(vectors, 0)
    for group in chunk:
        rows = {}
        for language in vectors:
            count = len(group.get(language, ()))
            rows[language] = slice(taken[language], taken[language] + count)
            taken[language] += count
        for left, right in combinations(group, 2):
            margins = ratio_margins(vectors[left][rows[left]], vectors[right][rows[right]], neighbours)
            for row, column, margin in mutual_best(margins, 0.0):
                yield MinedPair(group[left][row], group[right][column], margin)


def ratio_margins(left: Vectors, right: Vectors, neighbours: int) -> Margins:
    """The ratio margins (n, m) of all rows of `left` (n, d) with all of `right` (m, d), both L2-normalised.

    Each row's neighbours are its `neighbours` nearest of the other side.
    """
    with blas().limit(limits=1, user_api="blas"):  # the same bits here and on a cluster
        similarity = left.astype(np.float64) @ right.astype(np.float64).T
    across = np.sort(similarity, axis=1)[:, ::-1][:, :neighbours].mean(axis=1)
    down = np.sort(similarity, axis=0)[::-1][:neighbours].mean(axis=0)
    return ratio_margin(similarity, across[:, None], down[None, :])


def stacked(matrices: Matrices) -> Vectors:
    """The rows of all matrices as one float32 matrix."""
    return np.concatenate([np.asarray(matrix, dtype=np.float32) for matrix in matrices])


def mutual_best(margins: Margins, threshold: float) -> list[tuple[int, int, float]]:
    """(row, column, margin) of cells that are the best of their row and of their column, at or above `threshold`."""
    if not margins.size:
        return []
    columns, rows = margins.argmax(axis=1), margins.argmax(axis=0)
    return [
        (row, int(column), float(margins[row, column]))
        for row, column in enumerate(columns)
        if rows[column] == row and margins[row, column] >= threshold
    ]
