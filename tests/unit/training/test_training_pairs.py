"""Pairs: where views come from, what they are pulled towards, how often each kind of text is drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lapca_bench.training.batches.pair_table import PairTable
from lapca_bench.training.batches.pairs import AlignmentBatches
from lapca_bench.training.batches.settings import PairSettings, ViewSettings
from lapca_bench.training.batches.views import views
from lapca_bench.training.mining.chunks import MinedPair
from lapca_bench.training.mining.pair_file import write_pairs
from lapca_bench.training.text.linked import Block

PAGES = 40
PLAIN = ViewSettings(sentence=0.0, swap=0.5, monolingual=0.0)


def block(page: int, language: str, title: str | None = None) -> Block:
    text = f"{language} text {page}"
    return Block(f"{page}#{language}#0", str(page), language, text, (), f"{language} title {page}" if title else "")


@pytest.fixture
def table(tmp_path):
    """Pages in three languages with titles in two of them, and a small second file of one language pair."""
    found = []
    for page in range(PAGES):
        de, en, fr = block(page, "de", "yes"), block(page, "en", "yes"), block(page, "fr")
        found += [MinedPair(de, en, 1.0), MinedPair(de, fr, 1.0), MinedPair(en, fr, 1.0)]
    write_pairs(tmp_path / "large.parquet", found)
    small = [MinedPair(block(page, "en"), block(page, "te"), 1.0) for page in range(1000, 1000 + PAGES // 4)]
    write_pairs(tmp_path / "small.parquet", small)
    return PairTable.read([tmp_path / "large.parquet", tmp_path / "small.parquet"])


def batches(table, pairs=None, views_=PLAIN, pivot_language=None) -> AlignmentBatches:
    settings = PairSettings(**(pairs or {}))
    return AlignmentBatches(table, settings, views_, same_page=0, pivot_language=pivot_language, batch=8, seed=1)


def test_every_view_is_pulled_to_its_own_text_in_the_pivot_language(table):
    for step in range(20):
        batch = batches(table, pivot_language="en").batch(step)
        texts, pivots = (*batch.queries, *batch.passages), (*batch.query_pivots, *batch.passage_pivots)
        for text, pivot in zip(texts, pivots, strict=True):
            assert pivot == f"en text {text.split()[-1]}"


def test_a_title_is_pulled_to_the_title_in_the_pivot_language(table):
    asked = PLAIN.model_copy(update={"title": 1.0})
    found = Counter()
    for step in range(20):
        batch = batches(table, views_=asked, pivot_language="en").batch(step)
        for query, pivot, passage in zip(batch.queries, batch.query_pivots, batch.passages, strict=True):
            language, kind, page = query.split()
            found[language, kind] += 1
            assert passage.split()[1:] == ["text", page]
            assert pivot == f"en {kind} {page}"
    assert {key for key in found if key[1] == "title"} == {("de", "title"), ("en", "title")}
    assert ("fr", "text") in found  # a page without a title is asked for by its text


def test_a_sentence_of_a_block_has_no_pivot(table):
    pair = table.pair(0)
    seen = views(pair, PLAIN.model_copy(update={"sentence": 1.0}), np.random.default_rng(0))
    assert seen.query_block == ""
    assert seen.passage_block in (pair.left.id, pair.right.id)


def test_without_a_pivot_batches_carry_none(table):
    batch = batches(table).batch(0)
    assert batch.query_pivots == batch.passage_pivots == ()


def test_sources_are_drawn_alike_or_by_size(table):
    def share(how: str) -> float:
        made = batches(table, pairs={"sources": how})
        texts = [text for step in range(60) for text in made.batch(step).passages + made.batch(step).queries]
        return sum(text.startswith("te ") for text in texts) / len(texts)

    # By size the fourth language pair has √10 of 3·√40 + √10 draws, alike it has half of them; it is half of each pair.
    assert share("by size") == pytest.approx(0.5 * 10**0.5 / (3 * 40**0.5 + 10**0.5), abs=0.03)
    assert share("alike") == pytest.approx(0.25, abs=0.04)
