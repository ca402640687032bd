from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.onnx import OnnxSettings
from lapca_bench.errors import InputError

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxruntime_extensions")
pytest.importorskip("tokenizers")

from toys.checkpoints import VOCABULARY, write_tokenizer
from toys.onnx_models import write_text_model, write_token_model


def settings(checkpoint: Path, **changes: object) -> OnnxSettings:
    return OnnxSettings.model_validate({"type": "onnx", "checkpoint": str(checkpoint), **changes})


def token_model(folder: Path) -> np.ndarray:
    matrix = np.random.default_rng(0).normal(size=(len(VOCABULARY), 8)).astype(np.float32)
    write_tokenizer(folder)
    write_token_model(folder / "model.onnx", matrix)
    return matrix


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_token_ids_in_and_pooling_by_hand(tmp_path: Path, pooling: str) -> None:
    matrix = token_model(tmp_path)
    encoder = build(settings(tmp_path, tokenizer=str(tmp_path), pooling=pooling, batch_tokens=12), "onnx")
    texts = ["cat", "the mat sat . the cat", "", "zebra"]
    vectors = encoder.encode_queries(texts)
    assert encoder.dimension == 8
    from lapca_bench.encoders.weights.tokenizer import load_tokenizer

    for text, vector in zip(texts, vectors, strict=True):
        rows = matrix[load_tokenizer(tmp_path).encode([text], 512).ids[0]]
        pooled = {"cls": rows[0], "mean": rows.mean(axis=0), "last": rows[-1]}[pooling]
        np.testing.assert_allclose(vector, pooled / np.linalg.norm(pooled), atol=1e-5)


def test_texts_in_with_a_custom_operator(tmp_path: Path) -> None:
    write_text_model(tmp_path / "model.onnx")
    raw = {"similarity": "dot", "normalise": False}
    texts = ["", "abc", "x" * 5000, "abc"]
    one = build(settings(tmp_path / "model.onnx", **raw), "texts").encode_queries(texts)
    assert one.tolist() == [[0, 1, 2], [3, 1, 2], [5000, 1, 2], [3, 1, 2]]
    many = build(settings(tmp_path, texts_per_run=3, **raw), "texts").encode_queries(texts)
    assert many.tolist() == one.tolist()
    cut = build(settings(tmp_path, max_characters=2, **raw), "texts").encode_queries(texts)
    assert cut[:, 0].tolist() == [0, 2, 2, 2]


def test_malformed_models_and_settings_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 ONNX files"):
        build(settings(tmp_path), "onnx")
    (tmp_path / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(InputError, match="ONNX Runtime cannot load it"):
        build(settings(tmp_path), "onnx").encode_queries(["a"])
    token_model(tmp_path)
    with pytest.raises(InputError, match="no output 'vectors'") as caught:
        build(settings(tmp_path, tokenizer=str(tmp_path), pooling="cls", output="vectors"), "x").encode_queries(["a"])
    assert "hidden" in str(caught.value)
    with pytest.raises(InputError, match="no such ONNX file"):
        build(settings(tmp_path, file="other.onnx"), "onnx")
    write_text_model(tmp_path / "model.onnx")
    with pytest.raises(InputError, match="the model wants the input 'inputs'"):
        build(settings(tmp_path, tokenizer=str(tmp_path), pooling="cls"), "onnx").encode_queries(["a"])


def test_the_identity_follows_the_file_and_the_settings(tmp_path: Path) -> None:
    write_text_model(tmp_path / "model.onnx")
    base = build(settings(tmp_path), "a").identity.digest
    assert build(settings(tmp_path / "model.onnx", batch_tokens=7), "b").identity.digest == base
    others = [{"texts_per_run": 2}, {"max_characters": 9}, {"query_prompt": "q"}, {"similarity": "dot"}]
    digests = {build(settings(tmp_path, **one), "a").identity.digest for one in others}
    write_text_model(tmp_path / "model.onnx")
    with (tmp_path / "model.onnx").open("ab") as handle:
        handle.write(b"\x12\x01x")  # a field that says who wrote it
    digests.add(build(settings(tmp_path), "a").identity.digest)
    assert len(digests | {base}) == 6
