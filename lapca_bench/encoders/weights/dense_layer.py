"""A dense layer between pooling and normalisation, as LaBSE has it: `activation(W x + b)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt

from lapca_bench.digest import digest_file
from lapca_bench.encoders.identity import NotIdentity
from lapca_bench.errors import InputError
from lapca_bench.toml_model import Strict

if TYPE_CHECKING:
    import torch

Activation = Literal["identity", "tanh"]


class DenseLayerSettings(Strict, strict=True):
    """Table `[encoder.head]`: a file seen from the checkpoint's folder, and what is applied to the output."""

    path: Annotated[str, NotIdentity]
    activation: Activation = "tanh"


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """`weight` is `(out, in)`, `bias` `(out,)`; sentence-transformers writes them as linear.weight and linear.bias."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    activation: Activation

    @property
    def dimension(self) -> int:
        """Width of the output."""
        return int(self.weight.shape[0])

    def apply(self, pooled: torch.Tensor) -> torch.Tensor:
        """`(texts, in)` to `(texts, out)`."""
        import torch

        weight = torch.from_numpy(self.weight).to(pooled)
        output = torch.nn.functional.linear(pooled, weight, torch.from_numpy(self.bias).to(pooled))
        return torch.tanh(output) if self.activation == "tanh" else output


def load_dense_layer(path: Path, activation: Activation) -> DenseLayer:
    """Read a layer's safetensors; raises `InputError` when it is absent or is not one linear layer."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    remedy = "the head is a safetensors file with `linear.weight` and `linear.bias`; fetch the checkpoint again"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot read the dense head: {error}", path=path, remedy=remedy) from error
    weight = tensors.get("linear.weight", tensors.get("weight"))
    if weight is None or weight.ndim != 2:
        raise InputError(f"holds {', '.join(sorted(tensors)) or 'nothing'}", path=path, remedy=remedy)
    bias = tensors.get("linear.bias", tensors.get("bias"))
    if bias is None:
        bias = np.zeros(len(weight), dtype=np.float32)
    if bias.shape != (len(weight),):
        raise InputError(f"a bias of shape {bias.shape} beside a weight of {weight.shape}", path=path, remedy=remedy)
    return DenseLayer(weight.astype(np.float32), bias.astype(np.float32), activation)


def layer_digest(path: Path) -> str:
    """Digest of the layer's file."""
    if not path.is_file():
        raise InputError("the dense head is absent", path=path, remedy="fetch the checkpoint again")
    return digest_file(path)
