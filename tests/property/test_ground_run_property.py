"""A run is a function of its rows, not of the order they came in."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.run import Run

IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=4)
SCORES = st.sampled_from([0.0, -0.0, 1.0, 0.5, 0.1]) | st.floats(-1e30, 1e30)
RANKINGS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, max_size=20), max_size=5)


@given(RANKINGS, st.randoms(use_true_random=False))
def test_insertion_order_takes_no_part(ranking: dict[str, dict[str, float]], shuffler: random.Random) -> None:
    rows = [(query, document, score) for query, graded in ranking.items() for document, score in graded.items()]
    shuffler.shuffle(rows)
    position = {query: i for i, query in enumerate(ranking)}
    shuffled = Run.from_columns(
        "r", list(ranking), [position[row[0]] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    )
    assert list(shuffled.rows()) == list(Run.from_dict("r", ranking).rows())


@given(RANKINGS, st.integers(0, 25))
def test_order_and_cut_agree_with_sorting_by_hand(ranking: dict[str, dict[str, float]], k: int) -> None:
    cut = Run.from_dict("r", ranking).cut(k)
    for query, graded in ranking.items():
        expected = sorted(graded.items(), key=lambda pair: (np.float32(pair[1]) + 0, pair[0].encode()), reverse=True)
        assert [document for document, _ in cut.ranking(query)] == [document for document, _ in expected[:k]]
