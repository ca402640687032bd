from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.encoders.weights.batching import encode_batches, plan
from lapca_bench.errors import EncoderError


@given(st.lists(st.integers(1, 600), max_size=80), st.integers(1, 2000))
def test_every_text_is_in_one_batch_and_no_batch_exceeds_the_budget(lengths: list[int], budget: int) -> None:
    batches = plan(lengths, budget)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(*(lengths[row] for row in batch), 1)
        assert len(batch) == 1 or longest * len(batch) <= budget
    longest_first = [max(lengths[row] for row in batch) for batch in batches]
    assert longest_first == sorted(longest_first, reverse=True)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 300), st.integers(1, 7))
def test_results_are_in_input_order_for_any_plan_even_when_batches_must_be_halved(
    lengths: list[int], budget: int, fits: int
) -> None:
    def forward(rows: np.ndarray) -> np.ndarray:
        if len(rows) > fits:
            raise MemoryError
        return np.stack([[row, lengths[row]] for row in rows]).astype(np.float32)

    vectors = encode_batches(lengths, forward, name="toy", dimension=2, budget=budget)
    assert vectors.tolist() == [[i, length] for i, length in enumerate(lengths)]


def test_a_single_text_that_does_not_fit_is_one_clear_error() -> None:
    def forward(rows: np.ndarray) -> np.ndarray:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes")

    with pytest.raises(EncoderError, match="'toy' ran out of memory on a single text"):
        encode_batches([3, 3], forward, name="toy", dimension=2)


def test_other_failures_are_not_taken_for_a_lack_of_memory() -> None:
    def forward(rows: np.ndarray) -> np.ndarray:
        raise RuntimeError("index out of range")

    with pytest.raises(RuntimeError, match="index out of range"):
        encode_batches([3, 3], forward, name="toy", dimension=2)


def test_no_texts_give_no_rows() -> None:
    assert encode_batches([], lambda rows: np.empty((0, 4)), name="toy", dimension=4).shape == (0, 4)


def test_threads_change_neither_results_nor_their_order_nor_torchs_own_threads() -> None:
    torch = pytest.importorskip("torch")
    lengths = [(7 * number) % 23 + 1 for number in range(200)]
    seen = set()

    def forward(rows: np.ndarray) -> np.ndarray:
        seen.add(torch.get_num_threads())
        if len(rows) > 2:
            raise MemoryError
        return np.stack([[row, lengths[row]] for row in rows]).astype(np.float32)

    before = torch.get_num_threads()
    vectors = encode_batches(lengths, forward, name="toy", dimension=2, budget=40, threads=3)
    assert vectors.tolist() == [[i, length] for i, length in enumerate(lengths)]
    assert seen == {1}
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="broken"):
        encode_batches(lengths, broken, name="toy", dimension=2, budget=40, threads=3)
    assert torch.get_num_threads() == before


def broken(rows: np.ndarray) -> np.ndarray:
    raise RuntimeError("broken")
