"""Alignment mining: which blocks of linked pages say the same, by ratio margin (METHOD item 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.errors import InputError
from lapca_bench.training.linked import Block, LinkedCorpus, Page, blocks
from lapca_bench.training.pairs import COLUMNS
from lapca_bench.training.recipe import MiningSettings
from lapca_bench.types import Document


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


@dataclass(frozen=True)
class Agreement:
    """Mined against gold pairs of one language pair."""

    mined: int
    gold: int
    both: int

    @property
    def precision(self) -> float:
        """Share of mined pairs that are gold; 0 where nothing was mined."""
        return self.both / self.mined if self.mined else 0.0

    @property
    def recall(self) -> float:
        """Share of gold pairs that were mined; 0 where there is no gold."""
        return self.both / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def ratio_margin(left: Vectors, right: Vectors, neighbours: int) -> np.ndarray:
    """cos(x, y) / (½·mean cos(x, its k nearest on y's side) + ½·mean cos(y, its k nearest on x's side)).

    `left` (n, d) and `right` (m, d) are L2-normalised; returns (n, m). Source: Artetxe & Schwenk 2019, eq. 2 (ratio).
    """
    similarity = left.astype(np.float64) @ right.astype(np.float64).T
    across = np.sort(similarity, axis=1)[:, ::-1][:, :neighbours].mean(axis=1)
    down = np.sort(similarity, axis=0)[::-1][:neighbours].mean(axis=0)
    return np.asarray(similarity / ((across[:, None] + down[None, :]) / 2))


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
    """Whether more than half of the paragraphs that two blocks hold together are in both."""
    one, other = set(left.paragraphs), set(right.paragraphs)
    return bool(one | other) and len(one & other) * 2 > len(one | other)


def mine(corpus: LinkedCorpus, settings: MiningSettings, aligner: Encoder | None = None) -> Iterator[MinedPair]:
    """Pairs of a corpus by the settings' method, page group by page group, each pair of texts once.

    Raises `InputError` for a method that lacks what it needs.
    """
    if settings.method == "margin" and aligner is None:
        remedy = 'name one (--aligner me5-small-q4), or pair lead blocks (method = "lead")'
        raise InputError("margin mining needs an aligner", key="mining.aligner", remedy=remedy)
    seen: set[tuple[str, str]] = set()
    for number, group in enumerate(corpus.groups()):
        if settings.pages and number >= settings.pages:
            break
        for pair in _of_group(group, settings, aligner):
            texts = (pair.left.text, pair.right.text)
            if texts not in seen and texts[0] != texts[1]:
                seen.add(texts)
                yield pair


def _of_group(group: Sequence[Page], settings: MiningSettings, aligner: Encoder | None) -> Iterator[MinedPair]:
    cut = {
        page.language: blocks(page, settings.blocks)
        for page in sorted(group, key=lambda page: page.language)
        if page.language not in settings.exclude_languages
    }
    cut = {language: found for language, found in cut.items() if found}
    vectors = _encoded(cut, aligner) if settings.method == "margin" and aligner is not None else {}
    for left, right in combinations(cut, 2):
        if settings.method == "lead":
            yield MinedPair(cut[left][0], cut[right][0], 1.0)
        elif settings.method == "gold":
            yield from gold_pairs(cut[left], cut[right])
        else:
            margins = ratio_margin(vectors[left], vectors[right], settings.neighbours)
            for row, column, margin in mutual_best(margins, settings.threshold):
                yield MinedPair(cut[left][row], cut[right][column], margin)


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


def _encoded(cut: dict[str, list[Block]], aligner: Encoder) -> dict[str, Vectors]:
    """Vectors by language; one call of the aligner per language, which may refuse one it lacks."""
    return {
        language: aligner.encode_documents(
            [Document(block.id, block.text, language=language) for block in found], language=language
        )
        for language, found in cut.items()
    }


def agreement(mined: Iterable[MinedPair], gold: Iterable[MinedPair]) -> dict[tuple[str, str], Agreement]:
    """Precision, recall and F1 of mining per language pair, against the corpus's own alignment of the same pages."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    true: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for pairs, into in ((mined, found), (gold, true)):
        for pair in pairs:
            into.setdefault(pair.languages, set()).add((pair.left.id, pair.right.id))
    return {
        key: Agreement(len(one), len(other), len(one & other))
        for key in sorted(found | true)
        for one, other in [(found.get(key, set()), true.get(key, set()))]
    }


def report(pairs: Sequence[MinedPair]) -> dict[str, Any]:
    """Pairs per language pair, and a histogram of margins in steps of 0.05."""
    counts = Counter("-".join(pair.languages) for pair in pairs)
    edges = Counter(round(np.floor(pair.margin / 0.05) * 0.05, 2) for pair in pairs)
    return {
        "pairs": len(pairs),
        "language pairs": dict(sorted(counts.items())),
        "margins": {f"{edge:.2f}": count for edge, count in sorted(edges.items())},
    }


def write_pairs(target: Path, pairs: Sequence[MinedPair]) -> None:
    """Write the pairs as Parquet, whole or not at all; raises `InputError` when there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not pairs:
        raise InputError("no pairs were found", path=target, remedy="lower the threshold, or mine more pages")
    rows = [(p.left.link, *p.languages, p.left.text, p.right.text, p.left.id, p.right.id, p.margin) for p in pairs]
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    with atomic_path(target) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
