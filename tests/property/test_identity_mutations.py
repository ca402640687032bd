"""An encoder's digest changes with everything that changes its numbers, and with nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from toys.checkpoints import HIDDEN, VOCABULARY, write_tokenizer

from lapca_bench.encoders.kinds.transformer import TransformerEncoder, TransformerSettings

BASE = {"type": "transformer", "pooling": "mean", "query_prompt": "query: ", "document_prompt": "passage: "}
CHANGES_NUMBERS = {
    "pooling": {"pooling": "cls"},
    "query prompt": {"query_prompt": "query:"},
    "document prompt": {"document_prompt": ""},
    "query length": {"query_max_length": 64},
    "document length": {"document_max_length": 64},
    "similarity": {"similarity": "dot"},
    "dtype": {"dtype": "bfloat16"},
}
CHANGES_NOTHING = {
    "tokens per batch": {"batch_tokens": 128},
    "golden tokens to check with": {"vocabulary": "xlm-roberta"},
}


@pytest.fixture
def folder(tmp_path):
    """The files that an identity reads; no model is loaded."""
    write_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": HIDDEN}))
    save_file({"a": np.ones((len(VOCABULARY), HIDDEN), np.float32)}, tmp_path / "model.safetensors")
    return tmp_path


def digest(folder, name="toy", **changes) -> str:
    settings = TransformerSettings.model_validate({**BASE, "checkpoint": str(folder), **changes})
    return TransformerEncoder(settings, name).identity.digest


@pytest.mark.parametrize("change", list(CHANGES_NUMBERS))
def test_a_setting_that_changes_numbers(folder, change):
    assert digest(folder, **CHANGES_NUMBERS[change]) != digest(folder)


def test_normalisation_changes_numbers(folder):
    assert digest(folder, similarity="dot", normalise=False) != digest(folder, similarity="dot")


@pytest.mark.parametrize("change", list(CHANGES_NOTHING))
def test_a_setting_that_does_not(folder, change):
    assert digest(folder, **CHANGES_NOTHING[change]) == digest(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_that_changes_numbers(folder, file):
    before = digest(folder)
    content = (folder / file).read_bytes()
    if file == "model.safetensors":
        content = content[:-1] + bytes([content[-1] ^ 1])
    elif file == "config.json":
        content = content.replace(b'"bert"', b'"bert", "layer_norm_eps": 1e-9')
    else:
        content = content.replace(b'"cat"', b'"dog"', 1)
    (folder / file).write_bytes(content)
    assert digest(folder) != before


def test_where_it_lies_and_what_it_is_called_change_nothing(folder, tmp_path_factory):
    before = digest(folder)
    assert digest(folder, name="another") == before
    (folder / "README.md").write_text("a note")
    assert digest(folder) == before
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    elsewhere.mkdir()
    for path in folder.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    assert digest(elsewhere) == before


def with_head(folder, path, **values):
    from toys.checkpoints import write_head

    write_head(folder / path, **values)
    return digest(folder, head={"path": path})


def test_where_a_head_lies_changes_nothing_and_what_it_holds_does(folder):
    before = with_head(folder, "2_Dense/model.safetensors")
    assert with_head(folder, "head/dense.safetensors") == before
    assert with_head(folder, "head/dense.safetensors", bias=False) != before
    assert digest(folder, head={"path": "head/dense.safetensors", "activation": "identity"}) != before
