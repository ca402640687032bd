"""Aligned pairs: their table, the views a step sees of them, and the sampler of language-agnostic batches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.training.batches import Batch, HeldOut, generator
from lapca_bench.training.recipe import ObjectiveSettings, PairSettings, ViewSettings

if TYPE_CHECKING:
    import pyarrow as pa

Int64 = npt.NDArray[np.int64]

COLUMNS = ("page", "left_language", "right_language", "left", "right", "left_id", "right_id", "margin")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？｡।॥។؟])\s*|\n+")
_UNSPACED = ("ja", "zh", "th", "km")


@dataclass(frozen=True, slots=True)
class Text:
    """One side of a pair."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two aligned blocks of one linked page."""

    number: int
    page: str
    left: Text
    right: Text


class PairTable:
    """Aligned pairs in columns, from one or more Parquet files that `mine` wrote."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @classmethod
    def read(cls, paths: Sequence[Path]) -> PairTable:
        """All pairs of these files; raises `InputError` for a file that is none of `mine`'s."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for path in paths:
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowInvalid) as error:
                remedy = "make the pairs with `lapca-bench mine`"
                raise InputError(f"not a readable Parquet file: {error}", path=path, remedy=remedy) from error
            if absent := [name for name in COLUMNS if name not in table.column_names]:
                raise InputError(f"lacks the column {absent[0]!r}", path=path, remedy="make it with `lapca-bench mine`")
            tables.append(table.select(list(COLUMNS)))
        return cls(pa.concat_tables(tables))

    def __len__(self) -> int:
        """Number of pairs."""
        return int(self._table.num_rows)

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        values: list[Any] = self._table.column(name).to_pylist()
        return values

    def filtered(self, settings: PairSettings) -> PairTable:
        """The pairs that the settings keep; raises `InputError` when none is left, or one language alone."""
        left, right = self.column("left_language"), self.column("right_language")
        banned, wanted = set(settings.exclude_languages), set(settings.languages)
        keep = []
        for row, (x, y, margin) in enumerate(zip(left, right, self.column("margin"), strict=True)):
            fits = not {x, y} & banned and (not wanted or {x, y} <= wanted) and margin >= settings.minimum_margin
            if fits and (settings.english == "any" or "en" in (x, y)):
                keep.append(row)
        if not keep:
            raise InputError(
                f"no pairs are left of {len(self)} after filtering",
                key="pairs",
                remedy="lower minimum_margin or the mining threshold, or allow more languages",
            )
        found = PairTable(self._table.take(keep))
        languages = set(found.column("left_language")) | set(found.column("right_language"))
        if len(languages) < 2:
            raise InputError(
                f"the pairs are of one language only ({languages.pop()!r}); alignment needs two",
                key="pairs.languages",
                remedy="mine pages that are linked across languages",
            )
        return found

    def pair(self, number: int) -> Pair:
        """The pair of a row."""
        row = self._table.slice(number, 1).to_pylist()[0]
        left, right = Text(row["left"], row["left_language"]), Text(row["right"], row["right_language"])
        return Pair(number, row["page"], left, right)


def sentences(text: str) -> list[str]:
    """The sentences of a text, by the terminators of its script; a text without any is one sentence."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()] or [text]


def random_sentence(text: str, random: np.random.Generator) -> str:
    """One sentence, any that is not a fragment of under ten characters."""
    found = [sentence for sentence in sentences(text) if len(sentence) >= 10] or [text]
    return found[int(random.integers(len(found)))]


def crop(text: Text, random: np.random.Generator) -> str:
    """Half of a block: a random span of consecutive words, of characters where words are not separated."""
    units = list(text.text) if text.language in _UNSPACED else text.text.split()
    length = max(1, (len(units) + 1) // 2)
    start = int(random.integers(len(units) - length + 1)) if units else 0
    return ("" if text.language in _UNSPACED else " ").join(units[start : start + length])


@dataclass(frozen=True, slots=True)
class Views:
    """What a step sees of a pair; the passage comes from `source`, a whole block in language `language`."""

    query: str
    passage: str
    language: str


def views(pair: Pair, settings: ViewSettings, random: np.random.Generator) -> Views:
    """Query and passage view of a pair (METHOD item 5); tokens are hidden later, by the tower.

    With p = `swap` the direction turns; with p = `monolingual` both views are crops of one block; else the query is
    one sentence with p = `sentence`, or the whole block, and the passage the aligned block.
    """
    source, target = (pair.right, pair.left) if random.random() < settings.swap else (pair.left, pair.right)
    if random.random() < settings.monolingual:
        return Views(crop(source, random), crop(source, random), source.language)
    query = random_sentence(source.text, random) if random.random() < settings.sentence else source.text
    return Views(query, target.text, target.language)


class AlignmentBatches:
    """Batches of aligned pairs, each a mixture of many ordered language pairs, no page twice in a batch.

    A language pair is drawn ∝ n^exponent (n = its pairs), then one of its pairs. Mixed batches give each query
    distractors in its own language, which is what forces alignment instead of language identity (LAReQA's X-Y).
    """

    def __init__(
        self,
        table: PairTable,
        pairs: PairSettings,
        views_: ViewSettings,
        objective: ObjectiveSettings,
        *,
        batch: int,
        seed: int,
    ) -> None:
        self._table = table.filtered(pairs)
        self._settings, self._views, self._objective = pairs, views_, objective
        self._batch, self._seed = batch, seed
        self._pages = self._table.column("page")
        names = sorted(set(self._pages))
        order = generator(seed, 0).permutation(len(names))
        self._held = {names[place] for place in order[: pairs.held_out]}
        if len(names) - len(self._held) < batch:
            raise InputError(
                f"{len(names) - len(self._held)} pages are too few for batches of {batch} pairs of distinct pages",
                key="optimisation.batch",
                remedy="mine more pages, or make the batch smaller",
            )

    @cached_property
    def _strata(self) -> list[Int64]:
        """The rows of each unordered language pair, held-out pages left out."""
        found: dict[tuple[str, str], list[int]] = {}
        languages = zip(self._table.column("left_language"), self._table.column("right_language"), strict=True)
        for row, (x, y) in enumerate(languages):
            if self._pages[row] not in self._held:
                found.setdefault((min(x, y), max(x, y)), []).append(row)
        return [np.asarray(found[key], dtype=np.int64) for key in sorted(found)]

    @cached_property
    def _blocks(self) -> Mapping[tuple[str, str], list[str]]:
        """The texts of each (page, language), for hard negatives of the same page."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for side in ("left", "right"):
            rows = zip(self._pages, self._table.column(f"{side}_language"), self._table.column(side), strict=True)
            for page, language, text in rows:
                found.setdefault((page, language), {})[text] = None
        return {key: list(texts) for key, texts in found.items()}

    def _draw(self, step: int) -> list[Pair]:
        random = generator(self._seed, 1, step)
        sizes = np.array([len(rows) for rows in self._strata], dtype=np.float64) ** self._settings.exponent
        shares = sizes / sizes.sum()
        strata = random.choice(len(shares), size=self._batch, p=shares)
        if self._settings.batches == "single-pair":
            strata[:] = strata[0]
        chosen: dict[str, Pair] = {}
        for stratum in strata:
            for attempt in range(1000):
                rows = self._strata[
                    stratum
                    if attempt < 50 or self._settings.batches == "single-pair"
                    else int(random.choice(len(shares), p=shares))
                ]
                row = int(rows[random.integers(len(rows))])
                if self._pages[row] not in chosen:
                    chosen[self._pages[row]] = self._table.pair(row)
                    break
        return list(chosen.values())

    def batch(self, step: int) -> Batch:
        """The batch of this step; smaller than asked for only when single-pair batches run out of pages."""
        names, queries, passages, languages, negatives = [], [], [], [], []
        for pair in self._draw(step):
            random = generator(self._seed, 2, step, pair.number)
            seen = views(pair, self._views, random)
            names.append(f"{pair.page} ({pair.left.language}-{pair.right.language}, pair {pair.number})")
            queries.append(seen.query)
            passages.append(seen.passage)
            languages.append(seen.language)
            negatives.extend(self._same_page(pair, seen, random))
        return Batch(tuple(names), tuple(queries), tuple(passages), tuple(languages), tuple(negatives))

    def _same_page(self, pair: Pair, seen: Views, random: np.random.Generator) -> list[str]:
        """Other blocks of the passage's page in its language."""
        own = {pair.left.text, pair.right.text}
        others = [text for text in self._blocks[pair.page, seen.language] if text not in own]
        count = min(self._objective.same_page, len(others))
        return [others[place] for place in random.choice(len(others), size=count, replace=False)] if count else []

    def held_out(self) -> HeldOut:
        """Up to four pairs of each held-out page."""
        rows: dict[str, list[int]] = {}
        for row, page in enumerate(self._pages):
            if page in self._held:
                rows.setdefault(page, []).append(row)
        pairs = []
        for number, page in enumerate(sorted(rows)):
            random = generator(self._seed, 3, number)
            pairs += [self._table.pair(int(row)) for row in random.permutation(rows[page])[:4]]
        return HeldOut(tuple(pair.left.text for pair in pairs), tuple(pair.right.text for pair in pairs))

    def pool(self, step: int, size: int = 2000) -> Mapping[str, Sequence[str]]:
        """Up to `size` blocks of each language, another sample at each refresh."""
        random = generator(self._seed, 4, step)
        by_language: dict[str, list[str]] = {}
        for (page, language), texts in self._blocks.items():
            if page not in self._held:
                by_language.setdefault(language, []).extend(texts)
        return {
            language: [texts[place] for place in random.permutation(len(texts))[:size]]
            for language, texts in sorted(by_language.items())
        }
