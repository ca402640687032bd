"""A step's chunks over threads, each of which runs one-threaded torch on chunks of its own and adds up apart.

A core then waits for no other after every operation, and a chunk's activations stay nearer to it. Which thread gets
which chunk and in which order sums are added depends on the number of threads alone, so for one number the gradient
has the same bits at every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from lapca_bench.encoders.threads import in_order_by_torch
from lapca_bench.training.model.row_gradients import RowGradient, rows_apart

if TYPE_CHECKING:
    from torch import Tensor

Chunk = TypeVar("Chunk")


def backward_over_threads(
    chunks: Sequence[Chunk], loss: Callable[[Chunk], Tensor], parameters: Sequence[Tensor], threads: int
) -> None:
    """Add the gradients of all chunks' losses to those of `parameters`; `loss` runs in several threads at once."""
    import torch

    def sums(part: Sequence[Chunk]) -> tuple[list[Tensor | None], list[RowGradient]]:
        added: list[Tensor | None] = [None] * len(parameters)
        with rows_apart() as rows:
            for chunk in part:
                found = torch.autograd.grad(loss(chunk), list(parameters), allow_unused=True)
                for place, gradient in enumerate(found):
                    if gradient is not None:
                        known = added[place]
                        added[place] = gradient.clone() if known is None else known.add_(gradient)
        return added, rows

    parts = [chunks[first::threads] for first in range(min(threads, len(chunks)))]
    for added, rows in in_order_by_torch(sums, parts, threads):
        for parameter, gradient in zip(parameters, added, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
        for row in rows:
            row.add()
