"""Aligned pairs: their table, the views a step sees of them, and the sampler of language-agnostic batches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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

COLUMNS = (
    *("page", "left_language", "right_language", "left", "right", "left_id", "right_id", "margin"),
    *("left_title", "right_title"),
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？｡।॥។؟])\s*|\n+")
_UNSPACED = ("ja", "zh", "th", "km")


@dataclass(frozen=True, slots=True)
class Text:
    """One side of a pair: a block, the id of it, and the title of its page."""

    text: str
    language: str
    id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two aligned blocks of one linked page."""

    number: int
    page: str
    left: Text
    right: Text


class PairTable:
    """Aligned pairs in columns, from one or more Parquet files that `mine` wrote; `source` numbers the files."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @classmethod
    def read(cls, paths: Sequence[Path]) -> PairTable:
        """All pairs of these files; raises `InputError` for a file that is none of `mine`'s."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables: list[pa.Table] = []
        for path in paths:
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowInvalid) as error:
                remedy = "make the pairs with `lapca-bench mine`"
                raise InputError(f"not a readable Parquet file: {error}", path=path, remedy=remedy) from error
            if absent := [name for name in COLUMNS if name not in table.column_names]:
                raise InputError(f"lacks the column {absent[0]!r}", path=path, remedy="make it with `lapca-bench mine`")
            source = pa.array(np.full(len(table), len(tables), dtype=np.int32))
            tables.append(table.select(list(COLUMNS)).append_column("source", source))
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
        left, right = (
            Text(row[side], row[f"{side}_language"], row[f"{side}_id"], row[f"{side}_title"])
            for side in ("left", "right")
        )
        return Pair(number, row["page"], left, right)

    def pivots(self, language: str) -> Mapping[str, str]:
        """The text in `language` that each block is aligned with, by block id; and each page's title, by `title_of`."""
        found: dict[str, str] = {}
        for side, other in (("left", "right"), ("right", "left")):
            names = ("page", f"{side}_language", side, f"{side}_id", f"{other}_id", f"{side}_title")
            for page, spoken, text, own, aligned, title in zip(*map(self.column, names), strict=True):
                if spoken == language:
                    found.setdefault(own, text)
                    found.setdefault(aligned, text)
                    found.setdefault(title_of(page), title)
        return found


def title_of(page: str) -> str:
    """The name of a page's title among the ids of blocks."""
    return f"{page}#title"


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
    """What a step sees of a pair; `language` is the passage's. Ids are of blocks or titles seen whole, else empty."""

    query: str
    passage: str
    language: str
    query_block: str = ""
    passage_block: str = ""


def views(pair: Pair, settings: ViewSettings, random: np.random.Generator) -> Views:
    """Query and passage view of a pair (METHOD item 5); tokens are hidden later, by the tower.

    With p = `swap` the direction turns; with p = `monolingual` both views are crops of one block; else the query is
    the title of the page with p = `title` (where it has one), one sentence with p = `sentence`, or the whole block, and
    the passage the aligned block.
    """
    source, target = (pair.right, pair.left) if random.random() < settings.swap else (pair.left, pair.right)
    if random.random() < settings.monolingual:
        return Views(crop(source, random), crop(source, random), source.language)
    if source.title and random.random() < settings.title:
        return Views(source.title, target.text, target.language, title_of(pair.page), target.id)
    if random.random() < settings.sentence:
        return Views(random_sentence(source.text, random), target.text, target.language, "", target.id)
    return Views(source.text, target.text, target.language, source.id, target.id)


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
        """The rows of each unordered language pair (of each source, where sources are drawn alike), none held out."""
        found: dict[tuple[int, str, str], list[int]] = {}
        for row, (source, x, y) in enumerate(self._kinds()):
            if self._pages[row] not in self._held:
                found.setdefault((source, min(x, y), max(x, y)), []).append(row)
        return [np.asarray(found[key], dtype=np.int64) for key in sorted(found)]

    def _kinds(self) -> Iterator[tuple[int, str, str]]:
        """(source, left language, right language) of every row; the source counts only where sources are alike."""
        columns = (self._table.column(name) for name in ("source", "left_language", "right_language"))
        alike = self._settings.sources == "alike"
        for source, x, y in zip(*columns, strict=True):
            yield (source if alike else 0), x, y

    @cached_property
    def _shares(self) -> npt.NDArray[np.float64]:
        """The probability of each stratum: ∝ n^exponent inside its source, the sources alike often."""
        sizes = np.array([len(rows) for rows in self._strata], dtype=np.float64) ** self._settings.exponent
        kinds = list(self._kinds())
        sources = np.array([kinds[rows[0]][0] for rows in self._strata])
        totals = {source: sizes[sources == source].sum() for source in set(sources.tolist())}
        shares: npt.NDArray[np.float64] = sizes / np.array(
            [totals[source] * len(totals) for source in sources.tolist()]
        )
        return shares

    @cached_property
    def _pivots(self) -> Mapping[str, str]:
        return self._table.pivots(self._objective.pivot_language) if self._objective.has_pivot else {}

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
        shares = self._shares
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
        query_pivots, passage_pivots = [], []
        for pair in self._draw(step):
            random = generator(self._seed, 2, step, pair.number)
            seen = views(pair, self._views, random)
            names.append(f"{pair.page} ({pair.left.language}-{pair.right.language}, pair {pair.number})")
            queries.append(seen.query)
            passages.append(seen.passage)
            languages.append(seen.language)
            negatives.extend(self._same_page(pair, seen, random))
            if self._objective.has_pivot:
                query_pivots.append(self._pivots.get(seen.query_block, ""))
                passage_pivots.append(self._pivots.get(seen.passage_block, ""))
        return Batch(
            tuple(names),
            tuple(queries),
            tuple(passages),
            tuple(languages),
            tuple(negatives),
            tuple(query_pivots),
            tuple(passage_pivots),
        )

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
