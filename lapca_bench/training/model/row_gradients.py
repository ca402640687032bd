"""Word embeddings whose gradient is added row by row, not as a matrix of the vocabulary's size per chunk.

A chunk of a thousand tokens touches a thousand rows of an embedding matrix. PyTorch makes a dense gradient of it all
the same (384 MB for 250,000 words of 384 numbers), fills it with zeros and adds it to the sum, for every chunk of a
gradient-cached step. Here the rows go straight into the sum; the result differs by the order of additions alone.
Threads that work on chunks at the same time keep the rows (`rows_apart`) until they can be added in a fixed order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class RowGradient:
    """The gradient of the words of one chunk: row `i` of `rows` belongs to row `ids[i]` of `weight`."""

    weight: Tensor
    ids: Tensor
    rows: Tensor

    def add(self) -> None:
        """Add it to the sum in `weight.grad`."""
        if self.weight.grad is None:
            self.weight.grad = self.weight.detach().new_zeros(self.weight.shape)
        self.weight.grad.index_add_(0, self.ids, self.rows.to(self.weight.dtype))


class _Kept(threading.local):
    rows: list[RowGradient] | None = None


_kept = _Kept()


@contextmanager
def rows_apart() -> Iterator[list[RowGradient]]:
    """Within it, backward passes of this thread put rows into the list that it gives, and into no sum."""
    _kept.rows = []
    try:
        yield _kept.rows
    finally:
        _kept.rows = None


def add_gradients_by_row(encoder: Any) -> None:
    """Let the trained word embeddings of a transformers model work so; others are left as they are."""
    from torch import nn

    found = encoder.get_input_embeddings()
    plain = type(found) is nn.Embedding and found.max_norm is None and not (found.sparse or found.scale_grad_by_freq)
    if plain and found.weight.requires_grad:
        encoder.set_input_embeddings(_by_row(found))


def _by_row(plain: nn.Embedding) -> nn.Embedding:
    import torch
    from torch import nn

    class AddedByRow(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, weight: Tensor, ids: Tensor, padding: int | None) -> Tensor:
            context.weight, context.ids, context.padding = weight, ids, padding
            return nn.functional.embedding(ids, weight)

        @staticmethod
        def backward(context: Any, *gradients: Any) -> tuple[None, None, None]:
            weight, ids, rows = context.weight, context.ids.flatten(), gradients[0].flatten(end_dim=-2)
            if context.padding is not None:
                rows = rows.masked_fill((ids == context.padding)[:, None], 0)
            found = RowGradient(weight, ids, rows)
            if _kept.rows is None:
                found.add()
            else:
                _kept.rows.append(found)
            return None, None, None

    class EmbeddingByRow(nn.Embedding):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            vectors: Tensor = AddedByRow.apply(self.weight, input, self.padding_idx)  # type: ignore[no-untyped-call]
            return vectors

    return EmbeddingByRow(plain.num_embeddings, plain.embedding_dim, plain.padding_idx, _weight=plain.weight)
