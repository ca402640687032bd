"""Titles with a voice of their own: a document's vector is the sum of its title's and of the whole document's.

One vector of title and text together is mostly about the text, which is longer. Where the title is what is looked for
and the text only its context (LAReQA's sentence and paragraph), all titles of one text end up in one place. Here
`x = (whole + weight · title) / (1 + weight)`, normalised again where similarity is cosine; the encoder's own rows are
normalised then, so that `weight` is a ratio of directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Encoder, Similarity, Vectors
from lapca_bench.encoders.texts import ShowsTexts
from lapca_bench.encoders.vectors import normalised
from lapca_bench.types import Document


class FieldsEncoder:
    """An encoder whose documents are their whole and, `weight` times, their title; unchanged with one field alone."""

    def __init__(self, encoder: Encoder, weight: float, name: str) -> None:
        self._encoder = encoder
        self._weight = weight
        self._name = name

    @cached_property
    def identity(self) -> EncoderIdentity:
        """The inner encoder's identity and the weight of titles."""
        return EncoderIdentity(self._name, {"fields.title": self._weight, "encoder": self._encoder.identity.digest})

    @property
    def dimension(self) -> int:
        """That of the inner encoder."""
        return self._encoder.dimension

    @property
    def similarity(self) -> Similarity:
        """That of the inner encoder."""
        return self._encoder.similarity

    def shown_query(self, text: str) -> str:
        """The query as the inner encoder's model reads it."""
        return self._encoder.shown_query(text) if isinstance(self._encoder, ShowsTexts) else text

    def shown_document(self, document: Document) -> str:
        """The whole document as the inner encoder's model reads it; its title is read in the same way, alone."""
        if isinstance(self._encoder, ShowsTexts):
            return self._encoder.shown_document(document)
        return document.content()

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32."""
        return self._encoder.encode_queries(texts, language=language)

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32."""
        vectors = self._encoder.encode_documents(documents, language=language)
        titled = np.array([i for i, document in enumerate(documents) if document.title and document.text], np.int64)
        if not len(titled):
            return vectors
        alone = [replace(documents[i], text=documents[i].title, title="") for i in titled]
        titles = self._encoder.encode_documents(alone, language=language)
        combined = vectors.copy()
        combined[titled] = (vectors[titled] + self._weight * titles) / (1 + self._weight)
        return normalised(combined) if self.similarity == "cosine" else combined
