"""Sentences of a text in any script, for cutting blocks and for views of pairs."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？｡।॥។؟])\s*|\n+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, by the terminators of its script and line ends; none of a blank text."""
    return [sentence for part in _END.split(text) if (sentence := part.strip())]
