"""Documents whose title stands in their text: the vector of the title, read inside the text.

LAReQA's candidates are sentences with their paragraphs. The paragraph is read once, and each of its sentences gets the
mean of its own tokens (`encoders.weights.spans`): the vector is about the sentence, but knows its neighbours. Training
on spans (`[paragraphs] spanned`) makes such vectors; any model that takes the mean of its tokens has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.kinds.transformer import TransformerEncoder
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.weights.spans import Span
from lapca_bench.encoders.wrapped import WrappedEncoder
from lapca_bench.types import Document


class SpannedEncoder(WrappedEncoder):
    """An encoder whose documents are their titles, read inside their texts.

    A document without a title, or whose title does not stand in its text, is as in the encoder itself; one whose title
    stands behind what the encoder reads is its title alone.
    """

    def __init__(self, encoder: TransformerEncoder, name: str) -> None:
        super().__init__(encoder)
        self._parts = encoder
        self._name = name

    @cached_property
    def identity(self) -> EncoderIdentity:
        """The inner encoder's identity."""
        return EncoderIdentity(self._name, {"spanned": True, "encoder": self._encoder.identity.digest})

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32; documents that share a text cost no more than it."""
        vectors = np.empty((len(documents), self.dimension), dtype=np.float32)
        alone = {place: document for place, document in enumerate(documents) if document.title not in document.text}
        alone |= {place: document for place, document in enumerate(documents) if not document.title}
        texts: dict[str, list[tuple[int, Span]]] = {}
        for place, document in enumerate(documents):
            if place not in alone:
                start = document.text.index(document.title)
                texts.setdefault(document.text, []).append((place, (start, start + len(document.title))))
        if texts:
            spans = [[span for _, span in own] for own in texts.values()]
            places = np.array([place for own in texts.values() for place, _ in own])
            found, seen = self._parts.encode_spans(list(texts), spans)
            vectors[places] = found
            alone |= {int(place): replace(documents[place], text="") for place in places[~seen]}
        if alone:
            rows = sorted(alone)
            vectors[rows] = self._encoder.encode_documents([alone[row] for row in rows], language=language)
        return vectors
