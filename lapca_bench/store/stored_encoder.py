"""`StoredEncoder`: an encoder whose vectors come from the store, so that what is built on it never encodes twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.encoders.wrapped import WrappedEncoder
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document, Query


class StoredEncoder(WrappedEncoder):
    """The encoder itself to everybody who asks; calls with the pieces of a store find the shards of those pieces."""

    def __init__(self, encoder: Encoder, store: VectorStore) -> None:
        super().__init__(encoder)
        self._store = store

    @property
    def identity(self) -> EncoderIdentity:
        """That of the encoder."""
        return self._encoder.identity

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32."""
        queries = [Query(str(i), text, language or "") for i, text in enumerate(texts)]
        vectors: Vectors = self._store.queries(self._encoder, queries)
        return vectors

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32; `language` names what all documents are in already."""
        del language
        matrices = self._store.documents(self._encoder, documents).matrices()
        empty = np.empty((0, self.dimension), dtype=np.float32)
        vectors: Vectors = np.concatenate([empty, *matrices]).astype(np.float32)
        return vectors
