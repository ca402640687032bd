"""What every encoder promises of the arrays it hands out, checked and, for cosine, normalised."""

from __future__ import annotations

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


def _as_array(returned: Any, name: str) -> npt.NDArray[np.generic]:
    remedy = "return a numpy array, a torch tensor or a list of lists of numbers"
    for method in ("detach", "cpu"):  # a torch tensor that carries gradients or lies on a GPU
        returned = getattr(returned, method)() if callable(getattr(returned, method, None)) else returned
    if type(returned).__module__.partition(".")[0] == "torch":
        returned = returned.float().numpy()
    try:
        array = np.asarray(returned)
    except ValueError as error:
        raise EncoderError(f"encoder {name!r} returned rows of different lengths", remedy=remedy) from error
    if array.dtype == object and array.ndim == 1 and all(hasattr(row, "detach") for row in array):
        array = np.asarray([row.detach().cpu().float().numpy() for row in array])
    if array.dtype.kind not in "fiu":
        kind = type(returned).__name__
        raise EncoderError(f"encoder {name!r} returned {kind} of {array.dtype}, not numbers", remedy=remedy)
    return array
