"""The encoder interface, the centre of the project: texts in, one float32 row per text out.

An encoder knows nothing of collections, runs or scores. To plug one in, write a class with these members, or any class
with `encode(list[str]) -> array` and pass it to `lapca_bench.encoders.adapt`. Learned-sparse and multi-vector encoders
are siblings of it; what an encoder may be able to do besides are protocols of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.weights.tokenizer import Tokens
from lapca_bench.types import Document

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Vectors = npt.NDArray[np.float32]
Similarity = Literal["cosine", "dot"]
VectorSide = Literal["query", "document"]


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


@runtime_checkable
class SparseEncoder(Protocol):
    """One row of term weights per text. Rows come back in input order and do not depend on what else is in the call.

    A document's score is the dot product of its row with the query's.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What makes two rows comparable; its digest keys every cache."""

    @property
    def terms(self) -> int:
        """Columns of the returned arrays: the size of the vocabulary."""

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> csr_array:
        """`(len(texts), terms)` float32; `language` is the ISO 639 code where all texts share one."""

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> csr_array:
        """`(len(documents), terms)` float32."""


@runtime_checkable
class MultiVectorEncoder(Protocol):
    """One matrix per text. They come back in input order and do not depend on what else is in the call.

    A document's score is the sum, over the query's vectors, of the largest dot product with one of the document's.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What makes two vectors comparable; its digest keys every cache."""

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> list[Vectors]:
        """For each text `(tokens, dimension)` float32; `language` is the ISO 639 code where all texts share one."""

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> list[Vectors]:
        """For each document `(tokens, dimension)` float32."""


AnyEncoder = Encoder | SparseEncoder | MultiVectorEncoder


@runtime_checkable
class ShowsTexts(Protocol):
    """An encoder that can say which text its model reads, prompts included; recorded with every result."""

    def shown_query(self, text: str) -> str:
        """The text that the model reads for this query."""

    def shown_document(self, document: Document) -> str:
        """The text that the model reads for this document."""


@runtime_checkable
class CountsUsage(Protocol):
    """An encoder that is paid for by use; what a result took is recorded with it."""

    @property
    def usage(self) -> Mapping[str, int]:
        """What was used so far, by unit, such as "requests" and "tokens"."""


@runtime_checkable
class Tokenises(Protocol):
    """An encoder whose tokens can be looked at."""

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts."""
