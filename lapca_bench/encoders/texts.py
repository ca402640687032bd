"""Texts as models can take them, and the exact text a model sees."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lapca_bench.types import Document


@runtime_checkable
class ShowsTexts(Protocol):
    """An encoder that can say which text its model reads, prompts included; recorded with every result."""

    def shown_query(self, text: str) -> str:
        """The text that the model reads for this query."""

    def shown_document(self, document: Document) -> str:
        """The text that the model reads for this document."""


def well_formed(text: str) -> str:
    """`text` with lone surrogates, which no tokenizer and no UTF-8 file can hold, replaced by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
