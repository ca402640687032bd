"""Exact search equals brute force, whatever the shards, the blocks and the ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lapca_bench.search.exact import bfloat16
from lapca_bench.search.exact import top_k as exact
from lapca_bench.search.exact.top_k import top_k, widen

# Few values make many ties; lengths that differ by orders of magnitude try the rounding bound.
VALUES = st.one_of(
    st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
)


@pytest.fixture(params=["float32", "bfloat16"], scope="module", autouse=True)
def way(request):
    """All of this once with a float32 product of every block, once filtered first, whatever the processor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bfloat16, "pays", lambda *_: request.param == "bfloat16")
        patch.setattr(exact, "FEW", 1)  # any number of pairs
        yield


@st.composite
def problems(draw):
    dimension = draw(st.integers(1, 5))
    rows = draw(st.integers(0, 40))
    matrix = draw(arrays.arrays(np.float32, (rows, dimension), elements=VALUES))
    if rows and draw(st.booleans()):  # equal vectors under different ids
        matrix = matrix[draw(arrays.arrays(np.int64, rows, elements=st.integers(0, rows - 1)))]
    queries = draw(arrays.arrays(np.float32, (draw(st.integers(0, 4)), dimension), elements=VALUES))
    cuts = sorted(draw(st.lists(st.integers(0, rows), max_size=4)))
    return queries, matrix, np.split(matrix, cuts), draw(st.permutations(range(rows)))


def brute_force(queries, matrix, k, ranks):
    expected = []
    for query in queries.astype(np.float64):
        scores = (matrix.astype(np.float64) * query).sum(axis=1).astype(np.float32) + np.float32(0)
        best = sorted(range(len(matrix)), key=lambda row: (-scores[row], -ranks[row]))[:k]
        expected.append({(row, float(scores[row])) for row in best})
    return expected


@given(problems(), st.integers(1, 50), st.integers(1, 45))
def test_it_equals_brute_force(problem, k, block_rows):
    queries, matrix, shards, ranks = problem
    hits = top_k(queries, shards, k, lambda: np.array(ranks, dtype=np.int64), block_rows)
    found = [set() for _ in queries]
    for query, row, score in zip(hits.queries, hits.rows, hits.scores, strict=True):
        found[query].add((int(row), float(score)))
    assert found == brute_force(queries, matrix, k, ranks)
    assert len(hits.rows) == len(queries) * min(k, len(matrix))


def test_every_finite_half_is_widened_to_its_own_value():
    """All 63,488 of them, subnormal ones and both zeros too."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 2)
    widened = np.empty(finite.shape, np.float32)
    widen(finite, widened)
    assert (widened.view(np.int32) == finite.astype(np.float32).view(np.int32)).all()


def test_a_late_long_row_does_not_lose_to_the_bound_of_short_ones():
    """In single precision the long row scores 0, though it is the best: its own length must set the bound."""
    queries = np.ones((5000, 3), np.float32)  # enough candidates that the first block's best are settled early
    short = np.array([[0.5, 0, 0]], np.float32)
    long = np.array([[1e8, 0.6, -1e8]], np.float32)
    hits = top_k(queries, [short, long], 1, lambda: np.arange(2), block_rows=1)
    assert set(hits.rows.tolist()) == {1}
    assert set(hits.scores.tolist()) == {float(np.float32(0.6))}


def test_many_equal_rows_are_cut_by_id():
    matrix = np.ones((3000, 2), np.float32)
    hits = top_k(np.ones((1, 2), np.float32), [matrix], 5, lambda: np.arange(3000), block_rows=100)
    assert sorted(hits.rows.tolist()) == [2995, 2996, 2997, 2998, 2999]
