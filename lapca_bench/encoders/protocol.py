"""The encoder interface, the centre of the project: texts in, one float32 row per text out.

An encoder knows nothing of collections, runs or scores. To plug one in, write a class with these members, or any class
with `encode(list[str]) -> array` and pass it to `lapca_bench.encoders.adapt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.types import Document

Vectors = npt.NDArray[np.float32]
Similarity = Literal["cosine", "dot"]


@runtime_checkable
class Encoder(Protocol):
    """One vector per text. Rows come back in input order and do not depend on what else is in the call.

    `similarity` "cosine" promises L2-normalised rows, so that the harness scores by dot product in both cases.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What makes two vectors comparable; its digest keys every cache."""

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""

    @property
    def similarity(self) -> Similarity:
        """How scores are computed from vectors."""

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32; `language` is the ISO 639 code where all texts share one."""

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32."""
