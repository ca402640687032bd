"""`PromptedEncoder`: what encoders that put prompts before texts have in common, whatever becomes of the texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from lapca_bench.encoders.protocol import Similarity, Vectors, VectorSide
from lapca_bench.encoders.settings import DenseSettings, PromptSettings
from lapca_bench.types import Document

Settings = TypeVar("Settings", bound=PromptSettings)
Dense = TypeVar("Dense", bound=DenseSettings)
Encoded = TypeVar("Encoded")


class PromptedEncoder(ABC, Generic[Settings, Encoded]):
    """An encoder whose two sides differ by their prompts, and by what `_encode` makes of the side."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name

    def shown_query(self, text: str) -> str:
        """The query as the model reads it."""
        return self._prompt("query") + text

    def shown_document(self, document: Document) -> str:
        """The document as the model reads it."""
        return self._prompt("document") + document.content(self._settings.title_separator)

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Encoded:
        """What becomes of each text, in input order."""
        return self._encode([self.shown_query(text) for text in texts], "query", [language] * len(texts))

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Encoded:
        """What becomes of each document, in input order; without `language` each document's own is used."""
        languages = [language or document.language for document in documents]
        return self._encode([self.shown_document(document) for document in documents], "document", languages)

    def _prompt(self, side: VectorSide) -> str:
        """What stands before a text of this side."""
        return self._settings.query_prompt if side == "query" else self._settings.document_prompt

    @abstractmethod
    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Encoded:
        """What becomes of these texts, prompts included, whose ISO 639 codes are `languages`."""


class DenseEncoder(PromptedEncoder[Dense, Vectors], Generic[Dense]):
    """A prompted encoder of one vector per text: `(texts, dimension)` float32."""

    @property
    def similarity(self) -> Similarity:
        """How scores are computed from vectors."""
        return self._settings.similarity
