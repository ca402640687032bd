"""Every file that a load touches is in the digest; what points out of its folder, or is pickled, is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from safetensors.numpy import load_file, save_file
from toys.checkpoints import settings, write_checkpoint, write_static
from toys.onnx_models import write_token_model

from lapca_bench.encoders.kinds import build
from lapca_bench.encoders.kinds.onnx import OnnxSettings
from lapca_bench.encoders.kinds.static import StaticSettings
from lapca_bench.encoders.traced import Trace
from lapca_bench.encoders.weights.checkpoint import weights_digest
from lapca_bench.encoders.weights.pointers import external_data
from lapca_bench.errors import InputError, LapcaError


def transformer(folder: Path):
    write_checkpoint(folder)
    return lambda: settings(folder)


def static(folder: Path):
    write_static(folder)
    return lambda: StaticSettings(type="static", checkpoint=str(folder))


def sentences(folder: Path):
    pytest.importorskip("sentence_transformers")
    from toys.sentence_folders import dense, pooling, reader, saved

    from lapca_bench.encoders.kinds.sentence_transformers import SentenceTransformersSettings

    saved(folder, [reader(folder.parent / "base"), pooling(), dense()])
    return lambda: SentenceTransformersSettings(type="sentence-transformers", checkpoint=str(folder))


@pytest.mark.parametrize("kind", [transformer, static, sentences])
def test_a_byte_of_any_file_that_a_load_touches_changes_the_digest(kind, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    made = kind(folder)
    trace = Trace()
    with trace.recording():
        build(made()).encode_queries(["cat dog"])
    weights = sorted(folder.rglob("*.safetensors"))  # opened by safetensors itself, out of Python's sight
    read = [path for path in trace.files if path.is_relative_to(folder) and path.suffix != ".md"]  # a model's card
    touched = sorted({*read, *weights})
    assert len(touched) >= 2
    before = build(made()).identity.digest
    for path in touched:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        try:
            after = build(made()).identity.digest
        except LapcaError:
            after = "refused"
        path.write_bytes(content)
        assert after != before, path.name
    assert build(made()).identity.digest == before


def sharded(folder: Path, shard: str) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    save_file({names[0]: weights[names[0]]}, folder / "model.safetensors")
    (folder / shard).parent.mkdir(exist_ok=True)
    save_file({name: weights[name] for name in names[1:]}, folder / shard)
    listed = dict.fromkeys(names[1:], shard) | {names[0]: "model.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))


def test_shards_of_an_index_are_followed_and_may_not_lie_elsewhere(tmp_path):
    folder = tmp_path / "model"
    write_checkpoint(folder)
    sharded(folder, "deep/rest.safetensors")
    before = weights_digest(folder)
    path = folder / "deep" / "rest.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert weights_digest(folder) != before
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../elsewhere.safetensors"}}')
    with pytest.raises(InputError, match="outside of its folder"):
        weights_digest(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": 3}')
    with pytest.raises(InputError, match="cannot be read"):
        weights_digest(folder)


def test_an_adapter_over_weights_elsewhere_is_refused(tmp_path):
    write_checkpoint(tmp_path / "model")
    (tmp_path / "model" / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere"}')
    with pytest.raises(InputError, match=r"merge|elsewhere"):
        weights_digest(tmp_path / "model")


def located(name: str) -> bytes:
    """An entry of a tensor's external data, as protobuf writes it: key and value."""
    value = name.encode()
    size = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7])
    return b"\x0a\x08location\x12" + size + value


@pytest.mark.parametrize("name", ["model.onnx_data", "w" * 200])
def test_external_data_of_onnx_is_digested_and_may_not_lie_elsewhere(tmp_path, name):
    model = tmp_path / "model.onnx"
    write_token_model(model, np.ones((5, 2), np.float32))
    plain = model.read_bytes()
    model.write_bytes(plain + located(name))
    with pytest.raises(InputError, match="not here"):
        external_data(model)
    (tmp_path / name).write_bytes(b"weights")
    assert external_data(model) == [tmp_path / name]
    card = OnnxSettings(type="onnx", checkpoint=str(model), max_characters=10)
    before = build(card).identity.digest
    (tmp_path / name).write_bytes(b"weightz")
    assert build(card).identity.digest != before
    model.write_bytes(plain + located("../elsewhere"))
    with pytest.raises(InputError, match="outside of its folder"):
        external_data(model)


def test_pickled_modules_are_refused_though_the_library_would_load_them(tmp_path):
    import torch

    made = sentences(tmp_path / "model")
    (head,) = [path for path in (tmp_path / "model").rglob("*.safetensors") if "Dense" in path.parent.name]
    torch.save({}, head.with_name("pytorch_model.bin"))
    build(made()).encode_queries(["cat"])  # beside safetensors it is not loaded
    head.unlink()
    with pytest.raises(InputError, match="pickled weights are not loaded"):
        build(made()).encode_queries(["cat"])


def test_a_module_elsewhere_is_refused(tmp_path):
    made = sentences(tmp_path / "model")
    modules = tmp_path / "model" / "modules.json"
    listed = json.loads(modules.read_text())
    listed[-1]["path"] = "../elsewhere"
    modules.write_text(json.dumps(listed))
    with pytest.raises(InputError, match="outside of its folder"):
        build(made()).encode_queries(["cat"])
