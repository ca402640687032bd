"""Exports: a tiny model through ONNX Runtime equals torch, is made once, and is refused where it is not the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from encoders_tiny import write_checkpoint

from lapca_bench.encoders import build, exported
from lapca_bench.encoders.settings import TransformerSettings
from lapca_bench.errors import EncoderError, StoreError
from lapca_bench.store import cache

TEXTS = ["Cat", "the mat . the cat sat", "zebra 42 the cat sat mat mat", "cat"]


def encoder(folder: Path, backend: str):
    settings = {"type": "transformer", "checkpoint": str(folder), "pooling": "mean", "backend": backend}
    lengths = {"query_max_length": 16, "document_max_length": 16}
    return build(TransformerSettings.model_validate(settings | lengths), "tiny")


def test_the_export_is_the_model_and_the_gate_has_teeth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    folder = write_checkpoint(tmp_path / "bert", "bert")
    torch = encoder(folder, "torch")
    onnx = encoder(folder, "onnx")
    np.testing.assert_allclose(onnx.encode_queries(TEXTS), torch.encode_queries(TEXTS), atol=1e-5)
    assert onnx.identity.digest != torch.identity.digest
    assert "backend" not in torch.identity.settings, "vectors that were stored before there was a choice stay valid"
    (model,) = (tmp_path / "cache" / "exports").glob("*/model.onnx")
    made = model.stat().st_mtime_ns
    encoder(folder, "onnx").encode_queries(TEXTS[:1])
    assert model.stat().st_mtime_ns == made

    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match=r"does not match its digests: model\.onnx"):
        encoder(folder, "onnx").encode_queries(TEXTS[:1])
    assert [found.path for found in cache.verify(tmp_path / "cache")] == [model.parent]
    model.write_bytes(whole)

    (model.parent / exported.MANIFEST).unlink()
    monkeypatch.setitem(exported.LEAST, "onnx", (1.1, 0.99))
    with pytest.raises(EncoderError, match="is not the model"):
        encoder(folder, "onnx").encode_queries(TEXTS)


def test_agreement_counts_what_is_kept() -> None:
    rows = np.eye(4, dtype=np.float32)
    assert exported.agreement(rows, rows) == pytest.approx({"least cosine": 1.0, "nearest kept": 1.0})
    assert exported.agreement(rows, rows[::-1].copy())["least cosine"] == 0.0
    angles = np.linspace(0, 3, 40)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    shuffled = circle[np.random.default_rng(0).permutation(40)]
    assert exported.agreement(circle, shuffled)["nearest kept"] < 0.6
