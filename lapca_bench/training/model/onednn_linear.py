"""Linear layers whose three products, forward and backward, are oneDNN's.

PyTorch gives float32 products on the processor to MKL, which does not know every processor's best instructions
(`encoders.packed` says the same of inference). Here the product, the gradient of its input and that of its weight go to
oneDNN, which PyTorch brings too. Weights move at every step, so nothing is packed ahead. The values differ by rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from lapca_bench.encoders.weights.packed import multiplies

if TYPE_CHECKING:
    from torch import Tensor, nn


def multiply_by_onednn(encoder: Any) -> None:
    """Let the linear layers of a float32 model on the processor work so, weights shared; others stay as they are."""
    from torch import nn

    if not multiplies(encoder):
        return
    for module in list(encoder.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, _kind()(child))


@cache
def _kind() -> Callable[[nn.Linear], nn.Linear]:
    import torch
    from torch import nn

    multiply = torch.ops.mkldnn._linear_pointwise

    class Product(torch.autograd.Function):
        """`rows @ weight.T + bias` of `(rows, in)`, `(out, in)` and `(out,)`."""

        @staticmethod
        def forward(context: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            context.save_for_backward(rows, weight)
            product: Tensor = multiply(rows, weight, bias, "none", [], "none")
            return product

        @staticmethod
        def backward(context: Any, *gradients: Any) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
            (gradient,), (rows, weight) = gradients, context.saved_tensors
            of_rows, of_weight, of_bias = context.needs_input_grad
            return (
                multiply(gradient, weight.t(), None, "none", [], "none") if of_rows else None,
                multiply(gradient.t(), rows.t(), None, "none", [], "none") if of_weight else None,
                gradient.sum(0) if of_bias else None,
            )

    class OneDNNLinear(nn.Linear):
        def __init__(self, plain: nn.Linear) -> None:
            super().__init__(plain.in_features, plain.out_features, bias=False, device="meta")
            self.weight, self.bias = plain.weight, plain.bias

        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            single = input.dtype == self.weight.dtype == torch.float32
            if not single or torch.is_autocast_enabled("cpu") or input.numel() == 0:
                return super().forward(input)
            product: Tensor = Product.apply(input.flatten(end_dim=-2), self.weight, self.bias)  # type: ignore[no-untyped-call]
            return product.view(*input.shape[:-1], self.out_features)

    return OneDNNLinear
