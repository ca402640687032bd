"""Tiny ONNX models, written as protobuf by hand, so that the tests need no exporter.

Field numbers are those of onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FLOAT, INT64, STRING = 1, 7, 8


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(operator: str, inputs: list[str], output: str, domain: str = "", attributes: bytes = b"") -> bytes:
    node = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output) + _bytes(4, operator) + attributes
    return _bytes(1, node + (_bytes(7, domain) if domain else b""))


def _value(field: int, name: str, kind: int, shape: list[str | int]) -> bytes:
    dimensions = b"".join(_bytes(1, _number(1, d) if isinstance(d, int) else _bytes(2, d)) for d in shape)
    tensor = _number(1, kind) + _bytes(2, dimensions)
    return _bytes(field, _bytes(1, name) + _bytes(2, _bytes(1, tensor)))


def _tensor(name: str, array: np.ndarray[Any, Any]) -> bytes:
    kind = {"float32": FLOAT, "int64": INT64}[array.dtype.name]
    shape = b"".join(_number(1, size) for size in array.shape)
    return _bytes(5, shape + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes()))


def _write(path: Path, graph: bytes, domains: tuple[str, ...] = ("",)) -> None:
    opsets = b"".join(_bytes(8, _bytes(1, domain) + _number(2, 1 if domain else 17)) for domain in domains)
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + opsets)


def write_token_model(path: Path, matrix: np.ndarray[Any, Any]) -> None:
    """input_ids and attention_mask in, the rows of `matrix` out: `(texts, tokens, width)`."""
    masked = _node(
        "Cast", ["attention_mask"], "unused", attributes=_bytes(5, _bytes(1, "to") + _number(3, FLOAT) + _number(20, 2))
    )
    graph = (
        _node("Gather", ["matrix", "input_ids"], "hidden") + masked + _bytes(2, "tokens") + _tensor("matrix", matrix)
    )
    graph += _value(11, "input_ids", INT64, ["n", "t"]) + _value(11, "attention_mask", INT64, ["n", "t"])
    graph += _value(12, "hidden", FLOAT, ["n", "t", matrix.shape[1]])
    _write(path, graph)


def write_text_model(path: Path) -> None:
    """Texts in, `(texts, 3)` out: their length in characters and two constants; the length is a custom operator."""
    to_float = _bytes(5, _bytes(1, "to") + _number(3, FLOAT) + _number(20, 2))
    graph = _node("StringLength", ["inputs"], "length", "ai.onnx.contrib")
    graph += _node("Cast", ["length"], "real", attributes=to_float)
    graph += _node("Unsqueeze", ["real", "axis"], "column") + _node("MatMul", ["column", "scale"], "scaled")
    graph += _node("Add", ["scaled", "shift"], "vector") + _bytes(2, "texts")
    graph += _tensor("axis", np.array([1], np.int64)) + _tensor("scale", np.array([[1, 0, 0]], np.float32))
    graph += _tensor("shift", np.array([0, 1, 2], np.float32))
    graph += _value(11, "inputs", STRING, ["n"]) + _value(12, "vector", FLOAT, ["n", 3])
    _write(path, graph, ("", "ai.onnx.contrib"))
