"""Aligned pairs: their table, the views a step sees of them, and the sampler of language-agnostic batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.training.batch import Batch, HeldOut
from lapca_bench.training.batches.settings import PairSettings, ViewSettings
from lapca_bench.training.random_streams import Stream, generator
from lapca_bench.training.sentences import sentences

if TYPE_CHECKING:
    import pyarrow as pa

Int64 = npt.NDArray[np.int64]

COLUMNS = (
    *("page", "left_language", "right_language", "left", "right", "left_id", "right_id", "margin"),
    *("left_title", "right_title"),
)
_REPEATED = ["left", "right", "left_title", "right_title"]  # a block stands in many pairs: kept once
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
                table = pq.read_table(path, read_dictionary=_REPEATED)
                table.validate(full=True)  # the reader itself lets bytes through that are no UTF-8
                absent = [name for name in COLUMNS if name not in table.column_names]
            except (OSError, pa.ArrowException, ValueError) as error:
                remedy = "make the pairs with `lapca-bench mine`"
                raise InputError(f"not a readable Parquet file: {error}", path=path, remedy=remedy) from error
            if absent:
                raise InputError(f"lacks the column {absent[0]!r}", path=path, remedy="make it with `lapca-bench mine`")
            source = pa.array(np.full(len(table), len(tables), dtype=np.int32))
            tables.append(table.select(list(COLUMNS)).append_column("source", source))
        return cls(pa.concat_tables(tables).unify_dictionaries())

    def __len__(self) -> int:
        """Number of pairs."""
        return int(self._table.num_rows)

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        values: list[Any] = self._table.column(name).to_pylist()
        return values

    def codes(self, *names: str) -> tuple[list[str], list[Int64]]:
        """The distinct values of text columns in ascending order, and each column as places among them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = [self._table.column(name) for name in names]
        values = pc.unique(pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string()))
        values = values.take(pc.sort_indices(values))
        places = [pc.index_in(column, values).to_numpy().astype(np.int64) for column in columns]
        return values.to_pylist(), places

    def numbers(self, name: str) -> npt.NDArray[Any]:
        """A column of numbers."""
        found: npt.NDArray[Any] = self._table.column(name).to_numpy()
        return found

    def filtered(self, settings: PairSettings) -> PairTable:
        """The pairs that the settings keep; raises `InputError` when none is left, or one language alone."""
        names, (left, right) = self.codes("left_language", "right_language")
        wanted = set(settings.languages or names) - set(settings.exclude_languages)
        fits = np.array([name in wanted for name in names], dtype=bool)
        keep = fits[left] & fits[right] & (self.numbers("margin") >= settings.minimum_margin)
        if settings.english == "only":
            english = np.array([name == "en" for name in names], dtype=bool)
            keep &= english[left] | english[right]
        if not keep.any():
            raise InputError(
                f"no pairs are left of {len(self)} after filtering",
                key="pairs",
                remedy="lower minimum_margin or the mining threshold, or allow more languages",
            )
        found = PairTable(self._table.filter(keep))
        languages, _ = found.codes("left_language", "right_language")
        if len(languages) < 2:
            raise InputError(
                f"the pairs are of one language only ({languages[0]!r}); alignment needs two",
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
        import pyarrow.compute as pc

        found: dict[str, str] = {}
        for side, other in (("left", "right"), ("right", "left")):
            spoken = self._table.filter(pc.equal(self._table.column(f"{side}_language"), language))
            names = ("page", side, f"{side}_id", f"{other}_id", f"{side}_title")
            columns = [spoken.column(name).to_pylist() for name in names]
            for page, text, own, aligned, title in zip(*columns, strict=True):
                found.setdefault(own, text)
                found.setdefault(aligned, text)
                found.setdefault(title_of(page), title)
        return found


def title_of(page: str) -> str:
    """The name of a page's title among the ids of blocks."""
    return f"{page}#title"


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
    `same_page` is how many hard negatives a pair brings at most; where a `pivot_language` is named, batches hold each
    view's text in it.
    """

    def __init__(
        self,
        table: PairTable,
        pairs: PairSettings,
        views_: ViewSettings,
        *,
        same_page: int,
        pivot_language: str | None = None,
        batch: int,
        seed: int,
    ) -> None:
        self._table = table.filtered(pairs)
        self._settings, self._views = pairs, views_
        self._same_page, self._pivot_language = same_page, pivot_language
        self._batch, self._seed = batch, seed
        names, (self._pages,) = self._table.codes("page")
        self._held = np.sort(generator(seed, Stream.HELD_OUT).permutation(len(names))[: pairs.held_out])
        if len(names) - len(self._held) < batch:
            raise InputError(
                f"{len(names) - len(self._held)} pages are too few for batches of {batch} pairs of distinct pages",
                key="optimisation.batch",
                remedy="mine more pages, or make the batch smaller",
            )

    @cached_property
    def _strata(self) -> list[Int64]:
        """The rows of each unordered language pair (of each source, where sources are drawn alike), none held out."""
        names, (left, right) = self._table.codes("left_language", "right_language")
        source = self._table.numbers("source") if self._settings.sources == "alike" else np.zeros_like(left)
        kinds = (source * len(names) + np.minimum(left, right)) * len(names) + np.maximum(left, right)
        rows = np.flatnonzero(~np.isin(self._pages, self._held))
        rows = rows[np.argsort(kinds[rows], kind="stable")]
        return np.split(rows, np.flatnonzero(np.diff(kinds[rows])) + 1)

    @cached_property
    def _shares(self) -> npt.NDArray[np.float64]:
        """The probability of each stratum: ∝ n^exponent inside its source, the sources alike often."""
        sizes = np.array([len(rows) for rows in self._strata], dtype=np.float64) ** self._settings.exponent
        if self._settings.sources == "by size":
            shares: npt.NDArray[np.float64] = sizes / sizes.sum()
            return shares
        sources = self._table.numbers("source")[[rows[0] for rows in self._strata]]
        totals = np.bincount(sources, weights=sizes)
        alike: npt.NDArray[np.float64] = sizes / totals[sources] / np.count_nonzero(totals)
        return alike

    @cached_property
    def _pivots(self) -> Mapping[str, str]:
        return {} if self._pivot_language is None else self._table.pivots(self._pivot_language)

    @cached_property
    def _blocks(self) -> Mapping[tuple[str, str], list[str]]:
        """The texts of each (page, language), for hard negatives of the same page."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for side in ("left", "right"):
            columns = ("page", f"{side}_language", side)
            rows = zip(*map(self._table.column, columns), strict=True)
            for page, language, text in rows:
                found.setdefault((page, language), {})[text] = None
        return {key: list(texts) for key, texts in found.items()}

    def _draw(self, step: int) -> list[Pair]:
        random = generator(self._seed, Stream.BATCH, step)
        shares = self._shares
        strata = random.choice(len(shares), size=self._batch, p=shares)
        if self._settings.batches == "single-pair":
            strata[:] = strata[0]
        chosen: dict[int, Pair] = {}
        for stratum in strata:
            for attempt in range(1000):
                rows = self._strata[
                    stratum
                    if attempt < 50 or self._settings.batches == "single-pair"
                    else int(random.choice(len(shares), p=shares))
                ]
                row = int(rows[random.integers(len(rows))])
                if (page := int(self._pages[row])) not in chosen:
                    chosen[page] = self._table.pair(row)
                    break
        return list(chosen.values())

    def batch(self, step: int) -> Batch:
        """The batch of this step; smaller than asked for only when single-pair batches run out of pages."""
        names, queries, passages, languages, negatives = [], [], [], [], []
        owners, query_pivots, passage_pivots = list[int](), list[str](), list[str]()
        for row, pair in enumerate(self._draw(step)):
            random = generator(self._seed, Stream.VIEWS, step, pair.number)
            seen = views(pair, self._views, random)
            names.append(f"{pair.page} ({pair.left.language}-{pair.right.language}, pair {pair.number})")
            queries.append(seen.query)
            passages.append(seen.passage)
            languages.append(seen.language)
            others = self._others_of_page(pair, seen, random)
            negatives.extend(others)
            owners.extend([row] * len(others))
            if self._pivot_language is not None:
                query_pivots.append(self._pivots.get(seen.query_block, ""))
                passage_pivots.append(self._pivots.get(seen.passage_block, ""))
        return Batch(
            tuple(names),
            tuple(queries),
            tuple(passages),
            tuple(languages),
            tuple(negatives),
            tuple(owners),
            tuple(query_pivots),
            tuple(passage_pivots),
        )

    def _others_of_page(self, pair: Pair, seen: Views, random: np.random.Generator) -> list[str]:
        """Other blocks of the passage's page in its language."""
        own = {pair.left.text, pair.right.text}
        others = [text for text in self._blocks[pair.page, seen.language] if text not in own]
        count = min(self._same_page, len(others))
        return [others[place] for place in random.choice(len(others), size=count, replace=False)] if count else []

    def held_out(self) -> HeldOut:
        """Up to four pairs of each held-out page."""
        pairs = []
        for number, page in enumerate(self._held):
            random = generator(self._seed, Stream.HELD_OUT_PAIRS, number)
            pairs += [self._table.pair(int(row)) for row in random.permutation(np.flatnonzero(self._pages == page))[:4]]
        return HeldOut(tuple(pair.left.text for pair in pairs), tuple(pair.right.text for pair in pairs))

    def pool(self, step: int, size: int = 2000) -> Mapping[str, Sequence[str]]:
        """Up to `size` blocks of each language, another sample at each refresh."""
        random = generator(self._seed, Stream.POOL, step)
        by_language: dict[str, list[str]] = {}
        names, _ = self._table.codes("page")
        held = {names[place] for place in self._held}
        for (page, language), texts in self._blocks.items():
            if page not in held:
                by_language.setdefault(language, []).extend(texts)
        return {
            language: [texts[place] for place in random.permutation(len(texts))[:size]]
            for language, texts in sorted(by_language.items())
        }
