"""Gradient caching: the exact gradient of a loss over a large batch, in the memory of a small one.

A contrastive loss needs all vectors of the batch at once, but not all activations. So: embed every chunk, take the
loss and its gradient with respect to the vectors, then push each chunk's rows of that gradient through the encoder.
With recomputation the first pass keeps no graph and each chunk is embedded again. Several processes share the joint
matrix of vectors, so negatives are those of all of them. Source: Gao et al. 2021 (GradCache), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor


class ChunkOfRows(Protocol):
    """Some rows of the joint batch."""

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Which rows of the joint matrix these are."""


@dataclass(frozen=True)
class Embedded:
    """Vectors (rows, d) of a chunk and what its own loss needs besides (token vectors)."""

    vectors: Tensor
    carried: Any = None


def _alone(matrix: Tensor) -> Tensor:
    return matrix


def joint_backward(
    chunks: Sequence[Any],
    size: int,
    embed: Callable[[Any], Embedded],
    loss: Callable[[Tensor], Tensor],
    *,
    recompute: bool = True,
    chunk_loss: Callable[[Any, Embedded], Tensor] | None = None,
    exchange: Callable[[Tensor], Tensor] = _alone,
) -> float:
    """Accumulate the gradient of `loss` over the joint (size, d) matrix into the parameters; return the loss's value.

    `chunks` (`ChunkOfRows`) are this process's; `embed` must be repeatable (the caller seeds dropout by chunk).
    `chunk_loss` is a loss of one chunk alone (hidden tokens, a brake), scaled so that all chunks of all processes add
    up to the batch's; it is added. `exchange` sums a tensor over processes. Gradients are those of this process's
    rows: the caller sums them over processes. Equal to the plain gradient up to rounding.
    """
    import torch

    kept: list[Embedded | None] = []
    matrix: Tensor | None = None
    for chunk in chunks:
        with torch.set_grad_enabled(not recompute):
            rows = embed(chunk)
        if matrix is None:
            matrix = rows.vectors.detach().new_zeros(size, rows.vectors.shape[-1])
        matrix[chunk.places] = rows.vectors.detach()
        kept.append(None if recompute else rows)
    if matrix is None:
        raise ValueError("a step needs at least one chunk in every process")
    leaf = exchange(matrix).requires_grad_()
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    own = torch.zeros((), device=leaf.device)
    for chunk, seen in zip(chunks, kept, strict=True):
        rows = embed(chunk) if seen is None else seen
        surrogate = (rows.vectors * gradient[chunk.places]).sum()
        if chunk_loss is not None:
            extra = chunk_loss(chunk, rows)
            own = own + extra.detach()
            surrogate = surrogate + extra
        surrogate.backward()  # type: ignore[no-untyped-call]
    return float(value.detach()) + float(exchange(own))
