"""Batching never shows: whatever the budget and the order of the texts, each text gets the vector it gets alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.encoders.weights.batching import encode_batches, plan


@given(st.lists(st.integers(0, 600), max_size=60), st.integers(1, 5000))
def test_a_plan_holds_every_text_once_and_keeps_its_budget(lengths, budget):
    batches = plan(lengths, budget)
    assert sorted(np.concatenate([np.empty(0, np.int64), *batches]).tolist()) == list(range(len(lengths)))
    for rows in batches:
        padded = len(rows) * max(1, *(lengths[row] for row in rows), 1)
        assert len(rows) == 1 or padded <= budget


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(1, 400), st.integers(1, 9), st.randoms())
def test_order_padding_and_memory_change_nothing(lengths, budget, fits, shuffler):
    """`forward` pads its batch, as models do, and runs out of memory above `fits` texts."""
    order = list(range(len(lengths)))
    shuffler.shuffle(order)

    def forward_of(sizes):
        def forward(rows):
            if len(rows) > fits:
                raise MemoryError
            padded = np.zeros((len(rows), max(sizes[row] for row in rows)), np.float32)
            for line, row in zip(padded, rows, strict=True):
                line[: sizes[row]] = sizes[row]
            return np.stack([padded.sum(axis=1), padded.max(axis=1)], axis=1)

        return forward

    plain = encode_batches(lengths, forward_of(lengths), name="toy", dimension=2, budget=budget)
    expected = np.array([[size * size, size] for size in lengths], np.float32)
    np.testing.assert_array_equal(plain, expected)
    shuffled = [lengths[row] for row in order]
    again = encode_batches(shuffled, forward_of(shuffled), name="toy", dimension=2, budget=budget)
    np.testing.assert_array_equal(again, expected[order])
