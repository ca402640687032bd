"""Architectures that name their width, their padding or their halves in their own way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys.checkpoints import HIDDEN, ids_of, settings, write_checkpoint

from lapca_bench.encoders import build
from lapca_bench.encoders.weights.batching import encode_batches
from lapca_bench.encoders.weights.network import longest_input
from lapca_bench.errors import EncoderError, InputError, UsageError

pytest.importorskip("transformers")

KINDS = ("xlm", "gpt2", "t5", "t5-encoder", "bart", "llama", "qwen3", "modernbert")
TEXTS = ["the cat sat", "cat"]
TOKENS = (ids_of("[CLS]", "the", "cat", "sat", "[SEP]"), ids_of("[CLS]", "cat", "[SEP]"))


def by_transformers(folder: Path, kind: str) -> np.ndarray[Any, Any]:
    """Mean vectors of each text alone, so that nothing is padded, from the model that wrote the folder."""
    import torch
    import transformers

    if kind.startswith("t5"):
        model = transformers.T5EncoderModel.from_pretrained(folder)
    elif kind == "bart":
        model = transformers.BartModel.from_pretrained(folder).get_encoder()
    else:
        model = transformers.AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        rows = [model.eval()(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0) for ids in TOKENS]
        return torch.nn.functional.normalize(torch.stack(rows), dim=1).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_equal_those_of_transformers_without_padding(tmp_path: Path, kind: str) -> None:
    encoder = build(settings(write_checkpoint(tmp_path, kind)))
    assert encoder.dimension == HIDDEN
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), by_transformers(tmp_path, kind), atol=1e-5)


def change(folder: Path, **values: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


@pytest.mark.parametrize("pad", [-1, None])
def test_a_padding_id_that_is_no_row_of_the_model_changes_nothing(tmp_path: Path, pad: int | None) -> None:
    folder = write_checkpoint(tmp_path, "qwen3")
    expected = build(settings(folder)).encode_queries(TEXTS)
    (folder / "tokenizer_config.json").unlink()
    np.testing.assert_allclose(build(settings(change(folder, pad_token_id=pad))).encode_queries(TEXTS), expected, 1e-5)


def test_positions_that_are_learned_are_the_longest_input_whatever_they_are_called() -> None:
    assert longest_input({"model_type": "gpt2", "n_positions": 32}) == 32
    assert longest_input({"model_type": "t5", "n_positions": 32}) is None
    assert longest_input({"model_type": "xlnet", "max_position_embeddings": -1}) is None


def test_too_long_an_input_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes 32"):
        build(settings(write_checkpoint(tmp_path, "gpt2"), document_max_length=33))


def test_a_configuration_that_no_one_knows_is_told(tmp_path: Path) -> None:
    folder = change(write_checkpoint(tmp_path, "xlm"), model_type="unheard-of")
    with pytest.raises(InputError, match="transformers cannot read it"):
        assert build(settings(folder)).dimension


def test_a_model_that_needs_more_than_tokens_is_told_in_a_sentence(tmp_path: Path) -> None:
    import transformers

    part = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.CLIPConfig(
        text_config={**part, "vocab_size": 100, "max_position_embeddings": 32},
        vision_config={**part, "image_size": 8, "patch_size": 4},
        projection_dim=8,
    )
    write_checkpoint(tmp_path, "bert")
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="CLIPModel does not run on token ids alone"):
        build(settings(tmp_path)).encode_queries(TEXTS)


def test_vectors_of_another_width_than_stated_are_told() -> None:
    with pytest.raises(EncoderError, match="3 columns; 4 are stated"):
        encode_batches([1, 1], lambda rows: np.zeros((len(rows), 3), np.float32), name="e", dimension=4)
