"""From token vectors to one vector per text. The mask may have padding on either side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Pooling = Literal["cls", "mean", "last"]


def pool(hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """`(texts, width)` from `hidden` `(texts, tokens, width)` and `mask` `(texts, tokens)` of 0 and 1.

    "cls" takes the first token that is no padding, "last" the last one, "mean" the mean over all that are none. A text
    without any token gets the zero vector.
    """
    import torch

    weights = mask.to(hidden.dtype)
    if pooling == "mean":
        total = torch.einsum("btw,bt->bw", hidden, weights)
        return total / weights.sum(dim=1, keepdim=True).clamp(min=1)
    rows = torch.arange(len(hidden), device=hidden.device)
    present = mask.bool().int()
    tokens = mask.shape[1]
    position = present.argmax(dim=1) if pooling == "cls" else tokens - 1 - present.flip(dims=[1]).argmax(dim=1)
    return hidden[rows, position] * weights.amax(dim=1, keepdim=True)


def pool_arrays(
    hidden: npt.NDArray[np.float32], mask: npt.NDArray[np.int64], pooling: Pooling
) -> npt.NDArray[np.float32]:
    """`pool` for numpy arrays, where torch may be absent."""
    weights = mask.astype(hidden.dtype)
    if pooling == "mean":
        total: npt.NDArray[np.float32] = np.einsum("btw,bt->bw", hidden, weights)
        mean: npt.NDArray[np.float32] = total / np.maximum(weights.sum(axis=1, keepdims=True), 1)
        return mean
    tokens = mask.shape[1]
    position = mask.argmax(axis=1) if pooling == "cls" else tokens - 1 - mask[:, ::-1].argmax(axis=1)
    chosen: npt.NDArray[np.float32] = hidden[np.arange(len(hidden)), position] * weights.max(axis=1, keepdims=True)
    return chosen
