"""`WrappedEncoder`: what an encoder built on another one passes on unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from lapca_bench.encoders.protocol import Encoder, ShowsTexts, Similarity, Vectors
from lapca_bench.types import Document


class WrappedEncoder:
    """All of an `Encoder` but its identity and its documents: that of the inner encoder, unless overridden."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return self._encoder.dimension

    @property
    def similarity(self) -> Similarity:
        """How scores are computed from vectors."""
        return self._encoder.similarity

    def shown_query(self, text: str) -> str:
        """The query as the inner encoder's model reads it."""
        return self._encoder.shown_query(text) if isinstance(self._encoder, ShowsTexts) else text

    def shown_document(self, document: Document) -> str:
        """The document as the inner encoder's model reads it."""
        if isinstance(self._encoder, ShowsTexts):
            return self._encoder.shown_document(document)
        return document.content()

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32."""
        return self._encoder.encode_queries(texts, language=language)
