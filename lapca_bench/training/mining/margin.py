"""Alignment mining: which blocks of linked pages say the same, by ratio margin (METHOD item 3).

Pages pass through in chunks of link groups, so memory does not grow with the corpus; only global mining, which
compares every block of a language with every block of another, holds all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import combinations, islice
from pathlib import Path

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.threads import blas
from lapca_bench.errors import InputError
from lapca_bench.margin import ratio_margin
from lapca_bench.training.batches.pairs import COLUMNS
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.text.linked import Block, LinkedCorpus, Page, blocks

GROUPS_PER_CHUNK = 200  # link groups whose blocks are embedded together: enough to fill batches and shards of vectors
_WRITTEN_AT_ONCE = 10_000

Matrices = Sequence[Vectors]  # stacked, one language's rows; `Shards` are read where they are needed
Embed = Callable[[Mapping[str, Sequence[Block]]], Mapping[str, Matrices]]  # blocks -> normalised rows, by language
Chunk = list[dict[str, list[Block]]]  # blocks by language, one mapping per link group


@dataclass(frozen=True, slots=True)
class MinedPair:
    """Two blocks taken to be translations; `margin` is 1 where none was computed."""

    left: Block
    right: Block
    margin: float

    @property
    def languages(self) -> tuple[str, str]:
        """The two languages in alphabetical order."""
        return self.left.language, self.right.language


def ratio_margins(left: Vectors, right: Vectors, neighbours: int) -> np.ndarray:
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


def mutual_best(margins: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """(row, column, margin) of cells that are the best of their row and of their column, at or above `threshold`."""
    if not margins.size:
        return []
    columns, rows = margins.argmax(axis=1), margins.argmax(axis=0)
    return [
        (row, int(column), float(margins[row, column]))
        for row, column in enumerate(columns)
        if rows[column] == row and margins[row, column] >= threshold
    ]


def is_gold(left: Block, right: Block) -> bool:
    """Whether two blocks are of one link and more than half of the paragraphs they hold together are in both."""
    one, other = set(left.paragraphs), set(right.paragraphs)
    return left.link == right.link and bool(one | other) and len(one & other) * 2 > len(one | other)


def cut(corpus: LinkedCorpus, settings: MiningSettings) -> Iterator[Chunk]:
    """The blocks of the corpus's pages, or of a sample of `pages` link groups, chosen by a hash of their links."""
    groups: Iterable[Sequence[Page]] = corpus.groups()
    if settings.pages:
        groups = nsmallest(settings.pages, groups, key=lambda group: hashlib.sha256(group[0].link.encode()).digest())
    stream = iter(groups)
    while part := list(islice(stream, GROUPS_PER_CHUNK)):
        yield [_blocks_of(group, settings) for group in part]


def _blocks_of(group: Sequence[Page], settings: MiningSettings) -> dict[str, list[Block]]:
    found = {
        page.language: blocks(page, settings.blocks)
        for page in sorted(group, key=lambda page: page.language)
        if page.language not in settings.exclude_languages
    }
    return {language: part for language, part in found.items() if part}


def candidates(chunk: Chunk, settings: MiningSettings, embed: Embed | None = None) -> Iterator[MinedPair]:
    """Every pair that the method proposes inside the chunk's link groups; the threshold is not applied yet.

    Raises `InputError` for margin mining without an aligner.
    """
    vectors: Mapping[str, Vectors] = {}
    if settings.method == "margin":
        embedded = needed(embed)(blocks_by_language(chunk))
        vectors = {language: stacked(matrices) for language, matrices in embedded.items()}
    taken = dict.fromkeys(vectors, 0)
    for group in chunk:
        rows = {}
        for language in vectors:
            count = len(group.get(language, ()))
            rows[language] = slice(taken[language], taken[language] + count)
            taken[language] += count
        for left, right in combinations(group, 2):
            if settings.method == "lead":
                yield MinedPair(group[left][0], group[right][0], 1.0)
            elif settings.method == "gold":
                yield from gold_pairs(group[left], group[right])
            else:
                margins = ratio_margins(vectors[left][rows[left]], vectors[right][rows[right]], settings.neighbours)
                for row, column, margin in mutual_best(margins, 0.0):
                    yield MinedPair(group[left][row], group[right][column], margin)


@dataclass(frozen=True)
class MineChunk:
    """The task that an executor runs on every chunk: embed its blocks and compare them."""

    settings: MiningSettings
    embed: Embed | None

    def __call__(self, chunk: Chunk) -> list[MinedPair]:
        """All pairs that the method proposes, in the order of `candidates`."""
        return list(candidates(chunk, self.settings, self.embed))


def needed(embed: Embed | None) -> Embed:
    """The aligner; raises `InputError` where there is none."""
    if embed is None:
        remedy = 'name one (--aligner me5-small-q4), or pair lead blocks (method = "lead")'
        raise InputError("margin mining needs an aligner", key="mining.aligner", remedy=remedy)
    return embed


def blocks_by_language(chunk: Chunk) -> dict[str, list[Block]]:
    """All blocks of a chunk, group after group, languages in order."""
    found: dict[str, list[Block]] = {}
    for group in chunk:
        for language, part in group.items():
            found.setdefault(language, []).extend(part)
    return dict(sorted(found.items()))


def gold_pairs(left: Sequence[Block], right: Sequence[Block]) -> Iterator[MinedPair]:
    """The pairs of two pages' blocks that the corpus's own paragraph ids align."""
    holders: dict[str, list[Block]] = {}
    for block in right:
        for paragraph in block.paragraphs:
            holders.setdefault(paragraph, []).append(block)
    for block in left:
        others = {other.id: other for paragraph in block.paragraphs for other in holders.get(paragraph, [])}
        for other in others.values():
            if is_gold(block, other):
                yield MinedPair(block, other, 1.0)


def kept(pairs: Iterable[MinedPair], threshold: float) -> Iterator[MinedPair]:
    """The pairs at or above the threshold, each pair of texts once, and none of a text with itself."""
    seen: set[bytes] = set()
    for pair in pairs:
        key = hashlib.sha256(f"{len(pair.left.text)} {pair.left.text}{pair.right.text}".encode()).digest()[:16]
        if pair.margin >= threshold and pair.left.text != pair.right.text and key not in seen:
            seen.add(key)
            yield pair


def write_pairs(target: Path, pairs: Iterable[MinedPair]) -> int:
    """Write the pairs as Parquet, whole or not at all, as they come; returns their number.

    Raises `InputError` when there are none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = dict.fromkeys(COLUMNS, pa.string()) | {"margin": pa.float64()}
    schema = pa.schema(list(text.items()))
    written = 0
    stream = iter(pairs)
    with atomic_path(target) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            while part := list(islice(stream, _WRITTEN_AT_ONCE)):
                rows = [
                    (
                        *(p.left.link, *p.languages, p.left.text, p.right.text, p.left.id, p.right.id, p.margin),
                        *(p.left.title, p.right.title),
                    )
                    for p in part
                ]
                columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
                writer.write_table(pa.table(columns, schema=schema))
                written += len(part)
        if not written:
            raise InputError("no pairs were found", path=target, remedy="lower the threshold, or mine more pages")
    return written
