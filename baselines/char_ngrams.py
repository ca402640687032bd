"""BM25 over character n-grams, which needs no stemmer, no dictionary and no knowledge of the language.

Names, loans and cognates share n-grams across languages of one script, so that it finds a little across languages
(McNamee & Mayfield 2004, Character N-Gram Tokenization for European Language Text Retrieval; as features that carry
over between languages, the idea taken from Çöltekin 2019). Between scripts only digits and words in Latin letters meet,
unless texts are transliterated: then every letter becomes what anyascii writes for it in ASCII, so that names meet that
sound alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from lapca_baselines.bm25s_system import BM25sSystem


@cache
def _kept(character: str) -> str:
    """Letters, marks and digits of any script; everything else parts words."""
    return character if unicodedata.category(character)[0] in "LMN" else " "


@cache
def _latin(character: str) -> str:
    """The same in ASCII, lower case; a Chinese character is a word of its own, since anyascii writes its reading."""
    from anyascii import anyascii

    written = "".join(map(_kept, anyascii(_kept(character)).casefold()))
    return f" {written} " if unicodedata.name(character, "").startswith("CJK UNIFIED") else written


class CharacterNgrams:
    """Texts as n-grams of `shortest` to `longest` characters of each word, whose edges count as a character each.

    With `latin` words are transliterated to ASCII first.
    """

    def __init__(self, shortest: int, longest: int, latin: bool = False) -> None:
        if not 1 <= shortest <= longest:
            raise ValueError(f"n-grams of {shortest} to {longest} characters do not exist")
        self._lengths = range(shortest, longest + 1)
        self._letters = _latin if latin else _kept

    def __call__(self, texts: Iterable[str]) -> list[list[str]]:
        """The n-grams of every text, in order, repeated ones repeated."""
        one: dict[str, str] = {}  # equal n-grams are one object: there are millions of them
        return [[one.setdefault(gram, gram) for gram in self._ngrams(text)] for text in texts]

    def _ngrams(self, text: str) -> Iterable[str]:
        for word in "".join(map(self._letters, unicodedata.normalize("NFKC", text).casefold())).split():
            padded = f" {word} "
            for length in self._lengths:
                for start in range(len(padded) - length + 1):
                    yield padded[start : start + length]


def build(card: Any, _workspace: Any) -> BM25sSystem:
    """The system of a card; its settings are `shortest`, `longest` and `latin` (transliterate to ASCII)."""
    shortest, longest = int(card.settings.get("shortest", 3)), int(card.settings.get("longest", 5))
    latin = bool(card.settings.get("latin", False))
    terms = f"character n-grams of {shortest} to {longest}, NFKC, case folded, within words"
    if latin:
        terms += f", transliterated by anyascii {version('anyascii')}"
    return BM25sSystem(card.name, CharacterNgrams(shortest, longest, latin), {"terms": terms}, unmatched=False)
