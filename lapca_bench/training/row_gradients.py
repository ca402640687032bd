"""Word embeddings whose gradient is added row by row, not as a matrix of the vocabulary's size per chunk.

A chunk of a thousand tokens touches a thousand rows of an embedding matrix. PyTorch makes a dense gradient of it all
the same (384 MB for 250,000 words of 384 numbers), fills it with zeros and adds it to the sum, for every chunk of a
gradient-cached step. Here the rows go straight into the sum; the result differs by the order of additions alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def add_gradients_by_row(encoder: Any) -> None:
    """Let the trained word embeddings of a transformers model work so; others are left as they are."""
    from torch import nn

    found = encoder.get_input_embeddings()
    plain = type(found) is nn.Embedding and found.max_norm is None and not (found.sparse or found.scale_grad_by_freq)
    if plain and found.weight.requires_grad:
        encoder.set_input_embeddings(_by_row(found))


def _by_row(plain: Any) -> Any:
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
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            weight.grad.index_add_(0, ids, rows.to(weight.dtype))
            return None, None, None

    class EmbeddingByRow(nn.Embedding):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            vectors: Tensor = AddedByRow.apply(self.weight, input, self.padding_idx)  # type: ignore[no-untyped-call]
            return vectors

    return EmbeddingByRow(plain.num_embeddings, plain.embedding_dim, plain.padding_idx, _weight=plain.weight)
