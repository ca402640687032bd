"""Batches of aligned pairs in many languages at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import InputError
from lapca_bench.training.batch import Batch, HeldOut
from lapca_bench.training.batches.pair_table import AlignedPair, Int64, PairTable
from lapca_bench.training.batches.settings import PairSettings, ViewSettings
from lapca_bench.training.batches.views import Views, views
from lapca_bench.training.random_streams import Stream, generator


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
        source = self._table.sources if self._settings.sources == "alike" else np.zeros_like(left)
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
        sources = self._table.sources[[rows[0] for rows in self._strata]]
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

    def _draw(self, step: int) -> list[AlignedPair]:
        random = generator(self._seed, Stream.BATCH, step)
        shares = self._shares
        strata = random.choice(len(shares), size=self._batch, p=shares)
        if self._settings.batches == "single-pair":
            strata[:] = strata[0]
        chosen: dict[int, AlignedPair] = {}
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

    def _others_of_page(self, pair: AlignedPair, seen: Views, random: np.random.Generator) -> list[str]:
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
