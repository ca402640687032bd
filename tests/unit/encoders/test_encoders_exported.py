"""Exports: a tiny model by another library equals torch, is made once, and is refused where it is not the model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from toys.checkpoints import write_checkpoint

from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.weights import exported
from lapca_bench.encoders.weights.delta import BASE, base_digest, write_delta
from lapca_bench.encoders.weights.network import load_model
from lapca_bench.encoders.weights.runtimes import RUNTIMES
from lapca_bench.errors import EncoderError, InputError, MissingResourceError, StoreError
from lapca_bench.extras import installing
from lapca_bench.sealed import seal_folder
from lapca_bench.store import cache

TEXTS = ["Cat", "the mat . the cat sat", "zebra 42 the cat sat mat mat", "cat"]
FLOAT32 = {"onnx": "model.onnx", "openvino": "model.bin"}  # backends of torch's own numbers, and the file of weights
LACKING = [name for name in ("torch", "transformers", "onnxruntime", "onnx", "openvino") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"no {', '.join(LACKING)}")
each_backend = pytest.mark.parametrize("backend", FLOAT32)


def encoder(folder: Path, backend: str, **changes: Any):
    settings = {"type": "transformer", "checkpoint": str(folder), "pooling": "mean", "backend": backend}
    lengths = {"query_max_length": 16, "document_max_length": 16}
    return build(TransformerSettings.model_validate(settings | lengths | changes), "tiny")


@pytest.fixture
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's exports lie."""
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "exports"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "bert", "bert")


@each_backend
def test_the_export_is_the_model_and_the_gate_has_teeth(
    folder: Path, exports: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, other = encoder(folder, "torch"), encoder(folder, backend)
    np.testing.assert_allclose(other.encode_queries(TEXTS), torch.encode_queries(TEXTS), atol=1e-5)
    assert other.identity.digest != torch.identity.digest
    assert "backend" not in torch.identity.settings, "vectors that were stored before there was a choice stay valid"
    (weights,) = exports.glob(f"*/{FLOAT32[backend]}")
    made = weights.stat().st_mtime_ns
    encoder(folder, backend).encode_queries(TEXTS[:1])
    assert weights.stat().st_mtime_ns == made

    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match=f"does not match its digests: {weights.name}"):
        encoder(folder, backend).encode_queries(TEXTS[:1])
    assert [found.path for found in cache.verify(exports.parent)] == [weights.parent]
    weights.write_bytes(whole)

    (weights.parent / exported.MANIFEST).unlink()
    monkeypatch.setitem(exported.LEAST, backend, (1.1, 0.99))
    with pytest.raises(EncoderError, match="is not the model"):
        encoder(folder, backend).encode_queries(TEXTS)


@each_backend
def test_no_two_backends_share_vectors_or_exports(folder: Path, exports: Path, backend: str) -> None:
    others = [one for one in ("torch", *RUNTIMES) if one != backend]
    digests = {encoder(folder, one).identity.digest for one in others}
    assert encoder(folder, backend).identity.digest not in digests
    assert RUNTIMES[backend].module in encoder(folder, backend).identity.versions
    folders = {exported.export_folder({"weights": "a"}, one) for one in RUNTIMES}
    assert len(folders) == len(RUNTIMES)


@each_backend
def test_what_is_exported_has_its_delta(folder: Path, exports: Path, backend: str, tmp_path: Path) -> None:
    import torch

    before = load_model(folder, "float32")
    moved = torch.linspace(-1, 1, 16 * 24, dtype=torch.float16).reshape(16, 24)
    delta = tmp_path / "delta.safetensors"
    write_delta(delta, {"encoder.layer.1.output.dense.weight": moved}, {BASE: base_digest(before)})
    expected = encoder(folder, "torch", delta=str(delta)).encode_queries(TEXTS)
    found = encoder(folder, backend, delta=str(delta)).encode_queries(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - encoder(folder, backend).encode_queries(TEXTS)).max() > 1e-3
    assert len(list(exports.glob(f"*/{FLOAT32[backend]}"))) == 2


@each_backend
def test_many_batches_at_once_are_the_same_bits_every_time(folder: Path, exports: Path, backend: str) -> None:
    texts = ["cat sat " * (1 + number % 7) + "abcdefgh"[: number % 9] for number in range(120)]
    one = encoder(folder, backend, batch_tokens=24)
    vectors = one.encode_queries(texts)
    for _ in range(3):
        assert one.encode_queries(texts).tobytes() == vectors.tobytes()
    assert encoder(folder, backend, batch_tokens=24).encode_queries(texts).tobytes() == vectors.tobytes()
    np.testing.assert_allclose(vectors, encoder(folder, "torch").encode_queries(texts), atol=1e-5)


@each_backend
def test_a_library_that_is_not_here_is_named_with_its_command(
    folder: Path, exports: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = RUNTIMES[backend]
    monkeypatch.setitem(sys.modules, runtime.module, None)
    with pytest.raises(MissingResourceError, match=f"{runtime.module} cannot be imported") as caught:
        encoder(folder, backend).encode_queries(TEXTS)
    assert caught.value.remedy == installing(runtime.extra)
    assert not exports.exists()


@each_backend
def test_a_model_that_the_library_refuses_is_a_clear_error(folder: Path, exports: Path, backend: str) -> None:
    encoder(folder, backend).encode_queries(TEXTS[:1])
    (file,) = exports.glob(f"*/{RUNTIMES[backend].file}")
    file.write_bytes(b"garbage")
    seal_folder(file.parent)
    with pytest.raises(InputError, match=f"{RUNTIMES[backend].module} cannot load it") as caught:
        encoder(folder, backend).encode_queries(TEXTS[:1])
    assert "cache verify --repair" in str(caught.value.remedy)


@each_backend
def test_vectors_that_are_no_numbers_do_not_pass_the_gate(
    folder: Path, exports: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(file: Path):
        return lambda ids, mask: np.full((*ids.shape, 16), np.nan, dtype=np.float32)

    monkeypatch.setitem(RUNTIMES, backend, replace(RUNTIMES[backend], load=load))
    with pytest.raises(EncoderError, match=r"is not the model: least cosine -1\.0000"):
        encoder(folder, backend).encode_queries(TEXTS)


WATCH = """
import sys
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(("socket.", "os.fork")) else None)
from lapca_bench.extras import need
need("openvino", "openvino")
from openvino.tools.ovc import convert_impl
print(convert_impl.tm.__name__, seen)
"""


def test_openvino_does_not_tell_its_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "openvino.tools.ovc.telemetry_stub []"
    assert not (tmp_path / "intel").exists(), "where it would keep the user's number"


def test_agreement_counts_what_is_kept() -> None:
    rows = np.eye(4, dtype=np.float32)
    assert exported.agreement(rows, rows) == pytest.approx({"least cosine": 1.0, "nearest kept": 1.0})
    assert exported.agreement(rows, rows[::-1].copy())["least cosine"] == 0.0
    angles = np.linspace(0, 3, 40)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    shuffled = circle[np.random.default_rng(0).permutation(40)]
    assert exported.agreement(circle, shuffled)["nearest kept"] < 0.6


def test_a_misspelt_backend_is_refused_with_those_there_are() -> None:
    settings = {"type": "transformer", "checkpoint": "x", "pooling": "mean", "backend": "openvnio"}
    with pytest.raises(ValidationError, match="'torch', 'onnx', 'onnx-int8' or 'openvino'"):
        TransformerSettings.model_validate(settings)
