from __future__ import annotations

import numpy as np
import pytest

from lapca_bench.encoders.weights.pooling import pool, pool_arrays

torch = pytest.importorskip("torch")


def by_hand(hidden: np.ndarray, mask: np.ndarray, pooling: str) -> np.ndarray:
    rows = []
    for tokens, keep in zip(hidden, mask, strict=True):
        real = tokens[keep.astype(bool)]
        if not len(real):
            rows.append(np.zeros(hidden.shape[2]))
        else:
            rows.append({"cls": real[0], "last": real[-1], "mean": real.mean(axis=0)}[pooling])
    return np.stack(rows)


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_padding_on_either_side_and_texts_without_tokens(pooling: str) -> None:
    hidden = np.random.default_rng(0).normal(size=(5, 6, 4)).astype(np.float32)
    mask = np.array([[1] * 6, [1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 0, 0], [0] * 6])
    expected = by_hand(hidden, mask, pooling)
    np.testing.assert_allclose(pool(torch.tensor(hidden), torch.tensor(mask), pooling).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(pool_arrays(hidden, mask, pooling), expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_what_stands_in_the_padding_does_not_matter(pooling: str) -> None:
    hidden = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]])
    spoilt = torch.where(mask.bool()[..., None], hidden, torch.full_like(hidden, 1e6))
    torch.testing.assert_close(pool(hidden, mask, pooling), pool(spoilt, mask, pooling))
