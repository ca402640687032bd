"""What a text becomes, checked and made ready for a shard: one dense row, a sparse row, or one row per token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import EncoderError
from lapca_bench.run import Int64
from lapca_bench.store.shard import Dtype, Stored

Lengths = tuple[int, ...]
Part = tuple[Stored, Lengths | None]  # what a shard holds

ENTRY = np.dtype([("term", "<i4"), ("weight", "<f4")])  # of a sparse row


class Form(Protocol):
    """One of the three ways."""

    @property
    def dtype(self) -> str:
        """How values are stored; part of a shard's address."""

    def dimension(self, encoder: Any) -> int:
        """Columns."""

    def stored(self, encoded: Any, encoder: Any, ids: Sequence[str]) -> Part:
        """What the encoder returned for the texts `ids`, as a shard holds it; raises `EncoderError` if unusable."""

    def joined(self, parts: Sequence[Part], order: Int64, encoder: Any) -> Any:
        """What several shards hold as one, its texts brought into `order`."""


@dataclass(frozen=True)
class Dense:
    """`(texts, dimension)` arrays."""

    dtype: Dtype = "float32"

    def dimension(self, encoder: Any) -> int:
        """Columns of the encoder's arrays."""
        return int(encoder.dimension)

    def stored(self, encoded: Any, encoder: Any, ids: Sequence[str]) -> Part:
        """The array."""
        check_vectors(encoded, encoder, ids)
        return _narrow(encoded, self.dtype, encoder), None

    def joined(self, parts: Sequence[Part], order: Int64, encoder: Any) -> Any:
        """float32 `(texts, dimension)`."""
        rows = [np.empty((0, encoder.dimension), np.float32), *(array for array, _ in parts)]
        return np.concatenate(rows, dtype=np.float32)[order]


@dataclass(frozen=True)
class Sparse:
    """`(texts, terms)` CSR arrays, stored as pairs of a term and its weight."""

    dtype: str = "term and float32"

    def dimension(self, encoder: Any) -> int:
        """Size of the encoder's vocabulary."""
        return int(encoder.terms)

    def stored(self, encoded: Any, encoder: Any, ids: Sequence[str]) -> Part:
        """The entries of every row, by term; zeros are left out."""
        from scipy.sparse import issparse

        name, due = encoder.identity.name, (len(ids), encoder.terms)
        if not issparse(encoded) or getattr(encoded, "shape", None) != due:
            found = f"shape {encoded.shape}" if hasattr(encoded, "shape") else type(encoded).__name__
            raise EncoderError(
                f"encoder {name!r} returned {found} for {len(ids)} texts, expected a sparse array of shape {due}",
                remedy="return a scipy.sparse array with one row per text",
            )
        matrix: Any = encoded
        rows = matrix.astype(np.float32, copy=True).tocsr()
        rows.sum_duplicates()
        rows.eliminate_zeros()
        if not np.isfinite(rows.data).all():
            raise EncoderError(f"encoder {name!r} returned NaN or infinity", remedy="look at its weights")
        entries = np.empty(rows.nnz, dtype=ENTRY)
        entries["term"], entries["weight"] = rows.indices, rows.data
        return entries, tuple(np.diff(rows.indptr).tolist())

    def joined(self, parts: Sequence[Part], order: Int64, encoder: Any) -> Any:
        """A float64 CSR array: sums of float32 products are exact enough in it to be independent of their order."""
        from scipy.sparse import csr_array, vstack

        rows = [
            csr_array((0, encoder.terms)),
            *(sparse_rows(part, lengths or (), encoder.terms) for part, lengths in parts),
        ]
        return vstack(rows, format="csr")[order]


@dataclass(frozen=True)
class TokenVectors:
    """A `(tokens, dimension)` array per text, stored one after the other."""

    dtype: Dtype = "float16"

    def dimension(self, encoder: Any) -> int:
        """Columns of the encoder's arrays."""
        return int(encoder.dimension)

    def stored(self, encoded: Any, encoder: Any, ids: Sequence[str]) -> Part:
        """All token vectors in one array, and how many each text has."""
        name = encoder.identity.name
        shapes = [getattr(one, "shape", None) for one in encoded]
        wrong = [shape for shape in shapes if shape is None or len(shape) != 2 or shape[1] != encoder.dimension]
        if len(shapes) != len(ids) or wrong:
            found = f"an array of shape {wrong[0]}" if wrong else f"{len(shapes)} arrays"
            raise EncoderError(
                f"encoder {name!r} returned {found} for {len(ids)} texts, expected (tokens, {encoder.dimension})",
                remedy="return one array per text, in the order of the texts",
            )
        together = np.concatenate([np.empty((0, encoder.dimension), np.float32), *encoded])
        return _narrow(together, self.dtype, encoder), tuple(len(one) for one in encoded)

    def joined(self, parts: Sequence[Part], order: Int64, encoder: Any) -> Any:  # noqa: ARG002
        """A list of float32 arrays."""
        found = [
            np.asarray(one, np.float32)
            for array, lengths in parts
            for one in np.split(array, np.cumsum(lengths or (0,))[:-1])
        ]
        return [found[place] for place in order]


DENSE = Dense()


def sparse_rows(entries: Stored, lengths: Lengths | Int64, terms: int) -> Any:
    """Stored entries as a float64 CSR array `(texts, terms)`."""
    from scipy.sparse import csr_array

    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return csr_array((entries["weight"].astype(np.float64), entries["term"], starts), shape=(len(starts) - 1, terms))


def check_vectors(vectors: object, encoder: Encoder, ids: Sequence[str]) -> None:
    """Raise `EncoderError` unless `vectors` is float32 `(len(ids), dimension)`, finite, and normalised if promised.

    A zero row is let through under "cosine": it is what a text without any known token gets from a static encoder.
    """
    name = encoder.identity.name
    expected = (len(ids), encoder.dimension)
    if not isinstance(vectors, np.ndarray) or vectors.shape != expected:
        found = f"shape {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise EncoderError(
            f"encoder {name!r} returned {found} for {len(ids)} texts, expected shape {expected}",
            remedy="return one row per text, in the order of the texts",
        )
    if vectors.dtype != np.float32:
        remedy = "convert what it returns with .astype(numpy.float32), or wrap it with lapca_bench.encoders.adapt"
        raise EncoderError(f"encoder {name!r} returned {vectors.dtype}, expected float32", remedy=remedy)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise EncoderError(
            f"encoder {name!r} returned NaN or infinity for {len(bad)} of {len(ids)} texts (first: {ids[bad[0]]!r})",
            remedy="look at that text; half precision overflows in some models, float32 does not",
        )
    if encoder.similarity == "cosine":
        norms = np.linalg.norm(vectors, axis=1)
        off = np.flatnonzero((np.abs(norms - 1) > 1e-3) & (norms > 0))
        if len(off):
            raise EncoderError(
                f'encoder {name!r} has similarity "cosine" but returned a row of length {norms[off[0]]:.4f}',
                remedy='normalise its rows, or declare similarity "dot"',
            )


def _narrow(vectors: Any, dtype: Dtype, encoder: Any) -> Stored:
    with np.errstate(over="ignore"):
        narrow: Stored = np.ascontiguousarray(vectors, dtype=dtype)
    if not np.isfinite(narrow).all():
        raise EncoderError(
            f"encoder {encoder.identity.name!r} returned values that {dtype} cannot hold",
            remedy="store its vectors as float32",
        )
    return narrow
