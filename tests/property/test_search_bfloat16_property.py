"""The filter by bfloat16 stops no pair that reaches its floor, lets few others through, and changes no result."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lapca_bench.search.exact import bfloat16
from lapca_bench.search.exact import top_k as exact
from lapca_bench.search.exact.bfloat16 import Filter, rounded
from lapca_bench.search.exact.buffers import Buffers

# Halfway between two bfloat16, so that many are rounded the same way; subnormal, tiny, and too large for any product.
VALUES = st.one_of(
    st.sampled_from([-1.0, 0.0, 1.0, 1 + 2**-8, 1 + 3 * 2**-8 - 2**-20, -1 - 2**-8, 2.0**-130, 2.0**-70, 1e5, 3e38]),
    st.floats(-2, 2, width=32),
)


@st.composite
def problems(draw):
    dimension = draw(st.integers(1, 40))
    shapes = [(draw(st.integers(1, 20)), dimension) for _ in range(2)]
    vectors = [draw(arrays.arrays(np.float32, shape, elements=VALUES)) for shape in shapes]
    return [rows * np.float32(2.0 ** draw(st.integers(-75, 0))) for rows in vectors]


def passing(queries, rows, floors):
    """Whether each pair of `(rows, queries)` passes; None if the filter cannot tell."""
    buffers = Buffers()
    block = rounded(rows, float(np.linalg.norm(rows.astype(np.float64), axis=1).max()) * (1 + 1e-9), buffers)
    places = Filter(queries, buffers).pairs(block, floors, most=len(rows) * len(queries))
    if places is None:
        return None
    passed = np.zeros((len(rows), len(queries)), bool)
    passed.ravel()[places] = True
    return passed


@given(problems())
def test_what_reaches_the_floor_passes(problem):
    queries, rows = problem
    products = rows.astype(np.float64) @ queries.astype(np.float64).T
    for floors in products:
        passed = passing(queries, rows, floors)
        assert passed is None or passed[products >= floors].all()


@pytest.mark.parametrize("dimension", [1, 2, 31, 384, 1024])
@pytest.mark.parametrize("sign", [1, -1])
def test_roundings_that_all_add_up_are_within_the_bound_and_reach_it(dimension, sign):
    """1 + 2⁻⁸ is rounded to 1, and a little more to 1 + 2⁻⁷: a product is 2⁻⁷ larger than what is computed of it."""
    halfway = 1 + 2**-8 + (sign < 0) * 2**-20
    queries = np.full((70, dimension), halfway, np.float32)
    rows = sign * np.full((90, dimension), halfway, np.float32)
    product = float(rows[0].astype(np.float64) @ queries[0].astype(np.float64))
    floors = np.full(len(queries), product)
    assert passing(queries, rows, floors).all()
    assert not passing(queries, rows, floors + 3 * 2**-7 * dimension).any()


@pytest.mark.parametrize("exponent", range(-126, -40, 6))
def test_what_is_too_small_for_float32_is_not_taken_for_exact(exponent):
    """The squares of these are zero in float32, and then the products too, some numbers themselves for a processor."""
    rows = np.full((64, 384), (1 + 2**-8) * 2.0**exponent, np.float32)
    for queries in (rows, np.full((64, 384), 1 + 2**-8, np.float32)):
        product = float(rows[0].astype(np.float64) @ queries[0].astype(np.float64))
        assert passing(queries, rows, np.full(64, product)).all()


def test_sums_that_cancel_are_within_the_bound():
    """What is left of a million less a million is lost in float32; the sum's bound follows the norms."""
    row = np.array([[1000, 0.001, -1000, 0.0005]] * 64, np.float32)
    queries = np.array([[1000, 0.001, 1000, 0.0005]] * 64, np.float32)
    products = row.astype(np.float64) @ queries.astype(np.float64).T
    assert passing(queries, row, products[0]).all()


def test_few_others_pass():
    random = np.random.default_rng(0)
    rows, queries = (random.standard_normal((count, 384), dtype=np.float32) for count in (4096, 100))
    rows, queries = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (rows, queries))
    products = rows @ queries.T
    passed = passing(queries, rows, np.sort(products, axis=0)[-100].astype(np.float64))
    assert 100 * 100 <= passed.sum() < 1.25 * 100 * 100


def test_it_cannot_tell_of_vectors_too_long():
    long = np.full((3, 2), 3e38, np.float32)
    short = np.ones((3, 2), np.float32)
    for queries, rows in ((long, short), (short, long)):
        assert passing(queries, rows, np.zeros(3)) is None


def top_k(monkeypatch, queries, shards, filtered):
    """Hits in order, and how many blocks were filtered."""
    blocks = []
    pairs = Filter.pairs

    def counted(*asked):
        blocks.append(pairs(*asked))
        return blocks[-1]

    with monkeypatch.context() as patch:
        patch.setattr(bfloat16, "pays", lambda *_: filtered)
        patch.setattr(Filter, "pairs", counted)
        hits = exact.top_k(queries, shards, 10, lambda: np.arange(sum(map(len, shards))), block_rows=128)
    order = np.lexsort((hits.rows, hits.queries))
    columns = np.stack([hits.queries[order], hits.rows[order], hits.scores[order].view(np.int32)])
    return columns, sum(places is not None for places in blocks)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("spread", [1, 0.1, 0.001])  # the last one crowds all rows within the rounding of bfloat16
@pytest.mark.parametrize("sign", [1, -1])
def test_results_are_the_same_bits(monkeypatch, kind, spread, sign):
    random = np.random.default_rng(0)
    centre = random.standard_normal(96, dtype=np.float32)
    rows = centre + np.float32(spread) * random.standard_normal((3000, 96), dtype=np.float32)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(kind)
    rows[2000:2100] = rows[:100]  # ties
    rows[2900] = 0
    rows.setflags(write=False)
    queries = sign * (centre + random.standard_normal((1100, 96), dtype=np.float32))  # two blocks of them
    shards = np.split(rows, range(100, 3000, 100))
    plain, none = top_k(monkeypatch, queries, shards, filtered=False)
    found, blocks = top_k(monkeypatch, queries, shards, filtered=True)
    assert (found == plain).all()
    assert none == 0
    assert blocks > 10 or spread < 0.1


def test_a_small_search_does_not_import_torch():
    code = """
import sys
import numpy as np
from lapca_bench.search.exact.top_k import top_k
top_k(np.ones((500, 8), np.float32), [np.ones((3000, 8), np.float16)], 2, lambda: np.arange(3000))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_pays_only_with_many_queries_and_where_torch_is_or_is_worth_its_import(monkeypatch):
    monkeypatch.setattr(bfloat16, "_in_hardware", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", sys)
    assert bfloat16.pays(1000, 500_000, 384)
    assert not bfloat16.pays(64, 18_003_200, 384)
    monkeypatch.delitem(sys.modules, "torch")
    assert not bfloat16.pays(1000, 500_000, 384)
    assert bfloat16.pays(1000, 18_003_200, 384)
    monkeypatch.setattr(bfloat16, "_in_hardware", lambda: False)
    assert not bfloat16.pays(1000, 18_003_200, 384)
