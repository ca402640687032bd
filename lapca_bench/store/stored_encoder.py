"""`StoredEncoder`: an encoder whose vectors come from the store, so that what is built on it never encodes twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Encoder, Similarity, Vectors
from lapca_bench.encoders.texts import ShowsTexts
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document, Query


class StoredEncoder:
    """The encoder itself to everybody who asks; calls with the pieces of a store find the shards of those pieces."""

    def __init__(self, encoder: Encoder, store: VectorStore) -> None:
        self._encoder = encoder
        self._store = store

    @property
    def identity(self) -> EncoderIdentity:
        """That of the encoder."""
        return self._encoder.identity

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return self._encoder.dimension

    @property
    def similarity(self) -> Similarity:
        """How scores are computed from vectors."""
        return self._encoder.similarity

    def shown_query(self, text: str) -> str:
        """The query as the encoder's model reads it."""
        return self._encoder.shown_query(text) if isinstance(self._encoder, ShowsTexts) else text

    def shown_document(self, document: Document) -> str:
        """The document as the encoder's model reads it."""
        if isinstance(self._encoder, ShowsTexts):
            return self._encoder.shown_document(document)
        return document.content()

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
