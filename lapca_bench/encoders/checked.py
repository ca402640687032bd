"""What every encoder promises of the arrays it hands out, checked and, for cosine, normalised."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.errors import EncoderError


def normalised(vectors: Vectors) -> Vectors:
    """L2-normalised rows; a zero row has no direction and stays zero, so that it scores 0 with everything."""
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit


def checked(returned: object, *, name: str, texts: int, dimension: int | None) -> Vectors:
    """What an encoder returned for `texts` texts, as a float32 matrix.

    Accepts numpy arrays, torch tensors and lists of numbers. Raises `EncoderError` naming the encoder, what came, what
    was due and the fix, when it is no matrix of finite numbers with one row per text and `dimension` columns.
    """
    array = _as_array(returned, name)
    due = f"({texts}, {dimension if dimension is not None else 'dimension'})"
    if array.ndim == 2 and texts == 0 == array.shape[0]:
        return np.empty((0, dimension or array.shape[1]), dtype=np.float32)
    if array.size == 0 and texts == 0:
        return np.empty((0, dimension or 0), dtype=np.float32)
    if array.ndim != 2 or array.shape[0] != texts:
        remedy = "return one row per text: an array of shape (number of texts, dimension)"
        raise EncoderError(f"encoder {name!r} returned an array of shape {array.shape}; due was {due}", remedy=remedy)
    if array.shape[1] == 0 or (dimension is not None and array.shape[1] != dimension):
        remedy = "return as many columns for every text and every call"
        raise EncoderError(f"encoder {name!r} returned an array of shape {array.shape}; due was {due}", remedy=remedy)
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(array, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise EncoderError(
            f"encoder {name!r} returned NaN or infinite values in {len(bad)} of {texts} rows (first: row {bad[0]})",
            remedy="look at the text of that row: empty texts divide by zero in many pooling codes",
        )
    return vectors


def _as_array(returned: object, name: str) -> npt.NDArray[np.generic]:
    remedy = "return a numpy array, a torch tensor or a list of lists of numbers"
    kind = type(returned).__name__
    try:
        array = np.asarray(_without_tensors(returned))
        if array.dtype == object and array.ndim:  # an array of Python's own numbers or of tensors
            array = np.asarray(_without_tensors(array.tolist()))
        if array.dtype.kind == "V" and array.dtype.fields is None:  # bfloat16, which numpy has no kind of its own for
            array = array.astype(np.float32)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise EncoderError(f"encoder {name!r} returned {kind}: {error}", remedy=remedy) from error
        raise EncoderError(f"encoder {name!r} returned rows of different lengths", remedy=remedy) from error
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise EncoderError(f"encoder {name!r} returned {kind} that is no array: {error}", remedy=remedy) from error
    if array.dtype.kind not in "fiu":
        raise EncoderError(f"encoder {name!r} returned {kind} of {array.dtype}, not numbers", remedy=remedy)
    return array


def _without_tensors(value: Any) -> Any:
    """`value` with every torch tensor in it, however deep in lists, as a numpy array."""
    torch = sys.modules.get("torch")  # whoever made a tensor has imported it
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()  # it may carry gradients or lie on another device
        value = value.to_dense() if value.layout != torch.strided else value
        return value.float().numpy() if value.is_floating_point() else value.resolve_conj().numpy()
    if isinstance(value, list | tuple) and value and not isinstance(value[0], int | float):
        return [_without_tensors(one) for one in value]
    return value
