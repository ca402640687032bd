"""Which weights of a start model are trained, over families that name their layers differently."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from lapca_bench.training.model.tower import TrainedSettings, freeze  # noqa: E402

LAYERS = 3
SMALL = {
    "vocab_size": 20,
    "pad_token_id": 0,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
SIZES = {"hidden_size": 16, "num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": 16}


def tiny(family: str):
    """A random model, its ModuleList of layers having this name."""
    if family == "encoder.layer":
        return transformers.BertModel(transformers.BertConfig(**SMALL, **SIZES))
    if family == "transformer.layer":
        sizes = {"dim": 16, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": 16}
        return transformers.DistilBertModel(transformers.DistilBertConfig(**SMALL, **sizes))
    return transformers.ModernBertModel(transformers.ModernBertConfig(**SMALL, **SIZES))


@pytest.mark.parametrize("prefix", ["encoder.layer", "transformer.layer", "layers"])
def test_an_adapter_sits_on_every_linear_map_of_the_upper_layers_and_nowhere_else(prefix) -> None:
    pytest.importorskip("peft")
    model = tiny(prefix)
    upper = tuple(f"{prefix}.{number}." for number in (1, 2))
    expected = {
        name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name.startswith(upper)
    }
    adapted = freeze(model, TrainedSettings(what="adapter", layers=2, rank=2))
    trained = {name for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    assert expected
    assert {name.removeprefix("base_model.model.").partition(".lora_")[0] for name in trained} == expected
    assert all(".lora_" in name for name in trained)
