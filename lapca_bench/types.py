"""The nouns that every room shares: `Document`, `Query` and the kind of `Task`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What is asked: questions that documents answer, or sentences whose translations are sought. Models may have prompts of
# their own for each.
Task = Literal["retrieval", "bitext"]


@dataclass(frozen=True, slots=True)
class Document:
    """One unit of retrieval. `language` is an ISO 639 code ("" where unknown)."""

    id: str
    text: str
    title: str = ""
    language: str = ""

    def content(self, separator: str = " ") -> str:
        """Title and text as one string, the form that encoders and lexical indexes read unless they say otherwise."""
        return f"{self.title}{separator}{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """One question put to a system. `language` is the ISO 639 code that results are grouped by ("" where unknown)."""

    id: str
    text: str
    language: str = ""
