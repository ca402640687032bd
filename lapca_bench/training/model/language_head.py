"""The head that predicts hidden words, on top of the model in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def language_head(folder: Path, config: Any) -> nn.Module:
    """The head that turns token vectors into logits over the vocabulary, decoder tied to the word embeddings.

    Transform and bias are read from the checkpoint where it holds them under RoBERTa's or BERT's names.
    """
    from torch import nn
    from torch.nn import functional

    class MaskedTokenHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(config.hidden_size, config.hidden_size)
            self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
            self.bias = nn.Parameter(self.dense.bias.new_zeros(config.vocab_size))

        def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
            return functional.linear(self.norm(functional.gelu(self.dense(hidden))), embeddings, self.bias)

    head = MaskedTokenHead()
    names = _HEAD_NAMES.get(config.model_type)
    if names is not None:
        head.load_state_dict(_stored(folder, names), strict=False)
    return head


_HEAD_NAMES = {
    "xlm-roberta": {
        "dense.weight": "lm_head.dense.weight",
        "dense.bias": "lm_head.dense.bias",
        "norm.weight": "lm_head.layer_norm.weight",
        "norm.bias": "lm_head.layer_norm.bias",
        "bias": "lm_head.bias",
    },
    "bert": {
        "dense.weight": "cls.predictions.transform.dense.weight",
        "dense.bias": "cls.predictions.transform.dense.bias",
        "norm.weight": "cls.predictions.transform.LayerNorm.weight",
        "norm.bias": "cls.predictions.transform.LayerNorm.bias",
        "bias": "cls.predictions.bias",
    },
}


def _stored(folder: Path, names: dict[str, str]) -> dict[str, Tensor]:
    from safetensors import safe_open

    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as stored:
            present = set(stored.keys())
            found |= {name: stored.get_tensor(key) for name, key in names.items() if key in present}
    return found
