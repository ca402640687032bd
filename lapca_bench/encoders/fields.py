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

from lapca_bench.encoders.checked import normalised
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.encoders.wrapped import WrappedEncoder
from lapca_bench.types import Document


class FieldsEncoder(WrappedEncoder):
    """An encoder whose documents are their whole and, `weight` times, their title; unchanged with one field alone."""

    def __init__(self, encoder: Encoder, weight: float, name: str) -> None:
        super().__init__(encoder)
        self._weight = weight
        self._name = name

    @cached_property
    def identity(self) -> EncoderIdentity:
        """The inner encoder's identity and the weight of titles."""
        return EncoderIdentity(self._name, {"fields.title": self._weight, "encoder": self._encoder.identity.digest})

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
