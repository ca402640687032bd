"""Gradient caching: the exact gradient of a loss over a large batch, in the memory of a small one.

A contrastive loss needs all vectors of the batch at once, but not all activations. So: embed every chunk, take the
loss and its gradient with respect to the vectors, then push each chunk's rows of that gradient through the encoder.
With recomputation the first pass keeps no graph and each chunk is embedded again. Several processes share the joint
matrix of vectors, so negatives are those of all of them. Source: Gao et al. 2021 (GradCache), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.threads import in_order_by_torch
from lapca_bench.training.step.thread_gradients import backward_over_threads

if TYPE_CHECKING:
    from torch import Tensor


class ChunkOfRows(Protocol):
    """Some rows of the joint batch."""

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Which rows of the joint matrix these are."""


Chunk = TypeVar("Chunk", bound=ChunkOfRows)


@dataclass(frozen=True)
class Embedded:
    """Vectors (rows, d) of a chunk, and the token vectors (rows, tokens, d) that they were pooled from."""

    vectors: Tensor
    hidden: Tensor


def _alone(matrix: Tensor) -> Tensor:
    return matrix


def joint_backward(
    chunks: Sequence[Chunk],
    size: int,
    embed: Callable[[Chunk], Embedded],
    loss: Callable[[Tensor], Tensor],
    *,
    recompute: bool = True,
    chunk_loss: Callable[[Chunk, Embedded], Tensor] | None = None,
    exchange: Callable[[Tensor], Tensor] = _alone,
    threads: int = 1,
    parameters: Sequence[Tensor] = (),
) -> float:
    """Accumulate the gradient of `loss` over the joint (size, d) matrix into the parameters; return the loss's value.

    `chunks` are this process's; `embed` must be repeatable (the caller seeds dropout by chunk).
    `chunk_loss` is a loss of one chunk alone (hidden tokens, a brake), scaled so that all chunks of all processes add
    up to the batch's; it is added. `exchange` sums a tensor over processes. Gradients are those of this process's
    rows: the caller sums them over processes. Equal to the plain gradient up to rounding. With several `threads`, which
    need recomputation, chunks are embedded and pushed back at once and the gradient goes to `parameters` alone.
    """
    import torch

    def seen(chunk: Chunk) -> Embedded:
        with torch.set_grad_enabled(not recompute):
            return embed(chunk)

    kept: list[Embedded | None] = []
    matrix: Tensor | None = None
    for chunk, rows in zip(chunks, in_order_by_torch(seen, chunks, threads), strict=True):
        if matrix is None:
            matrix = rows.vectors.detach().new_zeros(size, rows.vectors.shape[-1])
        matrix[chunk.places] = rows.vectors.detach()
        kept.append(None if recompute else rows)
    if matrix is None:
        raise ValueError("a step needs at least one chunk in every process")
    leaf = exchange(matrix).requires_grad_()
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    extras: dict[int, Tensor] = {}

    def surrogate(number: int) -> Tensor:
        """A sum whose gradient is the chunk's part of the batch's, and its own loss's."""
        chunk = chunks[number]
        rows = kept[number] or embed(chunk)
        pushed = (rows.vectors * gradient[chunk.places]).sum()
        if chunk_loss is None:
            return pushed
        extra = chunk_loss(chunk, rows)
        extras[number] = extra.detach()
        return pushed + extra

    numbers = range(len(chunks))
    if threads == 1:
        for number in numbers:
            surrogate(number).backward()  # type: ignore[no-untyped-call]
            kept[number] = None
    else:
        backward_over_threads(numbers, surrogate, parameters, threads)
    own = sum((extras[number] for number in sorted(extras)), torch.zeros((), device=leaf.device))
    return float(value.detach()) + float(exchange(own))
