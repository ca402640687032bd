"""multilingual-e5-small from 4-bit blocks: one binary file in, an ordinary transformers folder out.

The file (magic "E5S1", little-endian) holds a BERT of absolute positions whose matrices are stored as Q4_0 blocks: 32
values in 18 bytes, a float16 scale and 16 bytes whose low nibbles are values 0 to 15 and whose high nibbles are values
16 to 31, value = (nibble - 8) * scale. It also holds its own list of pieces, which is skipped: the tokenizer comes as a
`tokenizer.json`, which transformers reads as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lapca_bench.atomic import atomic_folder, write_json
from lapca_bench.digest import digest_file, digest_value
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.lock import exclusive
from lapca_bench.parsing import json_value
from lapca_bench.paths import cache_root
from lapca_bench.sealed import seal_folder

MAGIC = b"E5S1"
BLOCK_VALUES = 32
BLOCK_BYTES = 18
FORMAT = 1  # raise it when the folder written from the same file changes
REMEDY = "fetch it again with `lapca-bench fetch me5-small-q4`"

_FLOAT32, _Q4 = 0, 1
_MOST_LAYERS = 200  # a garbled head must not make millions of names
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class Shape:
    """The numbers at the head of the file that a BERT configuration needs."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor of the transformers model."""
        h, f = self.hidden, self.feed_forward
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (self.vocabulary, h),
            "embeddings.position_embeddings.weight": (self.positions, h),
            "embeddings.token_type_embeddings.weight": (self.token_types, h),
            "embeddings.LayerNorm.weight": (h,),
            "embeddings.LayerNorm.bias": (h,),
        }
        for layer in range(self.layers):
            for short, name in _LAYER_NAMES.items():
                rows, columns = {"fi": (f, h), "fo": (h, f)}.get(short, (h, h))
                prefix = f"encoder.layer.{layer}.{name}"
                shapes[f"{prefix}.weight"] = (rows,) if short in ("aln", "oln") else (rows, columns)
                shapes[f"{prefix}.bias"] = (rows,)
        return shapes


class _Reader:
    """A cursor over the bytes that refuses to read past the end."""

    def __init__(self, content: memoryview, path: Path) -> None:
        self._content = content
        self._path = path
        self._at = 0

    def error(self, what: str) -> InputError:
        return InputError(f"not a readable 4-bit E5 file: {what}", path=self._path, remedy=REMEDY)

    def skip(self, size: int) -> memoryview:
        part = self.slice(self._at, size)
        self._at += size
        return part

    def slice(self, start: int, size: int) -> memoryview:
        if size < 0 or start < 0 or start + size > len(self._content):
            raise self.error(f"it ends at byte {len(self._content)}, but {size} bytes are due at byte {start}")
        return self._content[start : start + size]

    def unpack(self, layout: str) -> tuple[Any, ...]:
        layout = "<" + layout
        return struct.unpack(layout, self.skip(struct.calcsize(layout)))


def dequantise(blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The values of Q4_0 blocks: `(n, 18)` bytes in, `(n * 32,)` float32 out."""
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    values = np.empty((len(blocks), BLOCK_VALUES), dtype=np.float32)
    values[:, :16] = nibbles & 0x0F
    values[:, 16:] = nibbles >> 4
    values -= 8
    values *= scales
    return values.reshape(-1)


def _read_shape(reader: _Reader) -> Shape:
    if bytes(reader.skip(4)) != MAGIC:
        raise reader.error(f"it does not begin with {MAGIC.decode()}")
    (version,) = reader.unpack("I")
    numbers = reader.unpack("7i")
    (epsilon,) = reader.unpack("f")
    (block,) = reader.unpack("i")
    if version != 1 or block != BLOCK_VALUES:
        raise reader.error(f"version {version} with blocks of {block} values, where 1 and {BLOCK_VALUES} are known")
    hidden, layers, heads, feed_forward, vocabulary, positions, types = numbers
    rounded = float(np.float64(str(np.float32(epsilon))))
    shape = Shape(hidden, layers, heads, feed_forward, vocabulary, positions, types, rounded)
    sound = min(numbers) >= 1 and max(numbers) <= 2**24 and layers <= _MOST_LAYERS
    if not sound or shape.hidden % shape.heads or not 0 < epsilon < 1:
        raise reader.error(f"its head makes no sense: {shape}")
    return shape


def _skip_pieces(reader: _Reader) -> None:
    pieces = reader.unpack("5i")[0]
    (blob,) = reader.unpack("Q")
    if pieces < 0:
        raise reader.error(f"{pieces} pieces")
    reader.skip((pieces + 1) * 4 + pieces * 4)
    reader.skip(blob)
    reader.unpack("i")
    (size,) = reader.unpack("I")
    reader.skip(size)


def _transformers_name(name: str, reader: _Reader) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, _, rest = name.partition(".")
    short, _, kind = rest.partition(".")
    if layer[:1] == "l" and layer[1:].isdigit() and short in _LAYER_NAMES and kind in ("w", "b"):
        return f"encoder.layer.{int(layer[1:])}.{_LAYER_NAMES[short]}.{'weight' if kind == 'w' else 'bias'}"
    raise reader.error(f"it holds an unknown tensor {name!r}")


def _tensor(reader: _Reader, name: str) -> npt.NDArray[np.float32]:
    kind, count, offset, size = reader.unpack("BIQQ")
    content = reader.slice(offset, size)
    if kind == _FLOAT32 and size == count * 4:
        return np.frombuffer(content, dtype="<f4").astype(np.float32)
    if kind == _Q4 and count % BLOCK_VALUES == 0 and size == count // BLOCK_VALUES * BLOCK_BYTES:
        return dequantise(np.frombuffer(content, dtype=np.uint8).reshape(-1, BLOCK_BYTES))
    raise reader.error(f"tensor {name!r} of kind {kind} claims {count} values in {size} bytes")


def read_weights(path: Path) -> tuple[Shape, dict[str, npt.NDArray[np.float32]]]:
    """The shape and the float32 weights, named and shaped as transformers' `BertModel` wants them.

    Raises `InputError` when the file is truncated, garbled, or lacks a tensor.
    """
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", path=path, remedy=REMEDY) from error
    reader = _Reader(content, path)
    shape = _read_shape(reader)
    _skip_pieces(reader)
    expected = shape.parameters()
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for _ in range(reader.unpack("i")[0]):
        (length,) = reader.unpack("H")
        raw = bytes(reader.skip(length))
        name = _transformers_name(raw.decode("utf-8", "replace"), reader)
        values = _tensor(reader, name)
        wanted = expected.get(name)
        if wanted is None or values.size != np.prod(wanted):
            raise reader.error(f"tensor {name!r} holds {values.size} values where {wanted} are due")
        if not np.isfinite(values).all():
            raise reader.error(f"tensor {name!r} holds NaN or infinite values")
        weights[name] = values.reshape(wanted)
    lacking = expected.keys() - weights.keys()
    if lacking:
        raise reader.error(f"{len(lacking)} tensors are lacking, among them {min(lacking)!r}")
    return shape, weights


def _configuration(shape: Shape, pad: int) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.token_types,
        "layer_norm_eps": shape.epsilon,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "position_embedding_type": "absolute",
        "pad_token_id": pad,
        "dtype": "float32",
    }


def _special_tokens(tokenizer: Path) -> Mapping[str, int]:
    try:
        content = json_value(tokenizer.read_text(encoding="utf-8"))
        added = {token["content"]: int(token["id"]) for token in content["added_tokens"]}
        return {name: added[name] for name in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "fetch it again with `lapca-bench fetch me5-tokenizer`"
        raise InputError(f"not XLM-R's tokenizer.json: {error!r}", path=tokenizer, remedy=remedy) from error


def write_checkpoint(weights_file: Path, tokenizer_file: Path, target: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer into the new folder `target`, whole or not at all."""
    from safetensors.numpy import save

    shape, weights = read_weights(weights_file)
    special = _special_tokens(tokenizer_file)
    with atomic_folder(target) as folder:
        (folder / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
        write_json(folder / "config.json", _configuration(shape, special["<pad>"]))
        (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
        tokens = {
            "bos": "<s>",
            "cls": "<s>",
            "eos": "</s>",
            "sep": "</s>",
            "pad": "<pad>",
            "unk": "<unk>",
            "mask": "<mask>",
        }
        settings = {f"{role}_token": token for role, token in tokens.items()}
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        write_json(folder / "tokenizer_config.json", settings | {"model_max_length": shape.positions})
        seal_folder(folder)


def checkpoint_folder(weights_file: Path, tokenizer_file: Path) -> Path:
    """The transformers folder made from these two files, written into the cache the first time it is asked for.

    Its address is the digest of both files, so it is made again when either changes.
    """
    for path in (weights_file, tokenizer_file):
        if not path.is_file():
            raise LapcaError("the file is absent", path=path, remedy=REMEDY)
    address = digest_value(
        {"format": FORMAT, "weights": digest_file(weights_file), "tokenizer": digest_file(tokenizer_file)}
    )
    folder = cache_root() / "checkpoints" / f"e5-q4-{address[:32]}"
    if not folder.is_dir():
        with exclusive(folder.parent / "locks", address):
            if not folder.is_dir():
                write_checkpoint(weights_file, tokenizer_file, folder)
    return folder
