"""Texts as models can take them."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """`text` with lone surrogates, which no tokenizer and no UTF-8 file can hold, replaced by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
