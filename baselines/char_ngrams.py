"""BM25 over character n-grams, which needs no stemmer, no dictionary and no knowledge of the language.

Names, loans and cognates share n-grams across languages of one script, so that it finds a little across languages
(McNamee & Mayfield 2004, Character N-Gram Tokenization for European Language Text Retrieval; as features that carry
over between languages, the idea taken from Çöltekin 2019). Texts are not transliterated: between scripts only digits
and words in Latin letters meet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from lapca_baselines.bm25s_system import BM25sSystem


@cache
def _kept(character: str) -> str:
    """Letters, marks and digits of any script; everything else parts words."""
    return character if unicodedata.category(character)[0] in "LMN" else " "


class CharacterNgrams:
    """Texts as n-grams of `shortest` to `longest` characters of each word, whose edges count as a character each."""

    def __init__(self, shortest: int, longest: int) -> None:
        if not 1 <= shortest <= longest:
            raise ValueError(f"n-grams of {shortest} to {longest} characters do not exist")
        self._lengths = range(shortest, longest + 1)

    def __call__(self, texts: Iterable[str]) -> list[list[str]]:
        """The n-grams of every text, in order, repeated ones repeated."""
        one: dict[str, str] = {}  # equal n-grams are one object: there are millions of them
        return [[one.setdefault(gram, gram) for gram in self._ngrams(text)] for text in texts]

    def _ngrams(self, text: str) -> Iterable[str]:
        for word in "".join(map(_kept, unicodedata.normalize("NFKC", text).casefold())).split():
            padded = f" {word} "
            for length in self._lengths:
                for start in range(len(padded) - length + 1):
                    yield padded[start : start + length]


def build(card: Any, _workspace: Any) -> BM25sSystem:
    """The system of card `char-ngrams`; its settings are `shortest` and `longest`."""
    shortest, longest = int(card.settings.get("shortest", 3)), int(card.settings.get("longest", 5))
    terms = f"character n-grams of {shortest} to {longest}, NFKC, case folded, within words"
    return BM25sSystem(card.name, CharacterNgrams(shortest, longest), {"terms": terms}, unmatched=False)
