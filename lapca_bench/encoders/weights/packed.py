"""Linear layers of a loaded model with their weights packed once for the processor's matrix product.

PyTorch's own `Linear` calls MKL, which does not know every processor's best instructions and arranges the weights anew
in every call. oneDNN, which PyTorch brings too, keeps them arranged and applies the GELU that follows a feed-forward
layer while its block is still in the cache. The values differ by rounding alone.
"""

from __future__ import annotations

from typing import Any

from lapca_bench.extras import need

_TOKENS = 4096  # the batch that the arrangement is made for; others work too


def multiplies(model: Any) -> bool:
    """Whether oneDNN can take a model's linear layers: one in float32 on the CPU."""
    torch = need("torch", "dense")
    operators = getattr(torch.ops, "mkldnn", None)
    usable = torch.backends.mkldnn.is_available() and hasattr(operators, "_linear_pointwise")
    return bool(usable and model.device.type == "cpu" and model.dtype == torch.float32)


def pack_linear_layers(model: Any) -> Any:
    """Replace the linear layers of a float32 model on the CPU, for inference; others are returned as they are."""
    if not multiplies(model):
        return model
    torch = need("torch", "dense")
    with torch.inference_mode():
        for module in list(model.modules()):
            followed = getattr(module, "intermediate_act_fn", None)
            for name, child in list(module.named_children()):
                if type(child) is torch.nn.Linear:
                    fuse = name == "dense" and _is_exact_gelu(followed)
                    setattr(module, name, _packed(torch, child, "gelu" if fuse else "none"))
                    if fuse:
                        module.intermediate_act_fn = torch.nn.Identity()
    return model


def _is_exact_gelu(activation: Any) -> bool:
    """Whether it is GELU by the error function, which transformers and torch name alike but not always compute so."""
    name = type(activation).__name__
    return (name == "GELUActivation" and not getattr(activation, "use_gelu_python", False)) or (
        name == "GELU" and getattr(activation, "approximate", "none") == "none"
    )


def _packed(torch: Any, layer: Any, after: str) -> Any:
    multiply = torch.ops.mkldnn._linear_pointwise

    class PackedLinear(torch.nn.Module):  # type: ignore[misc]
        """`layer` with its weight in oneDNN's order, and what is applied to the product."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), _TOKENS)
            self.bias = None if layer.bias is None else layer.bias.detach()

        def forward(self, rows: Any) -> Any:
            return multiply(rows, self.weight, self.bias, after, [], "none")

    return PackedLinear()
