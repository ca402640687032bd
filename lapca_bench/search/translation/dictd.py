"""Reading dictionaries in the format of the dict server: `.dict.dz` (gzip) and `.index` (word, offset, length).

The text of an entry is made for human eyes. From it are taken, of each sense, the first translation: numbers, grammar
in angle brackets, fields in square ones and remarks in round ones are left out, and so are examples, cross-references,
notes and definitions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {character: value for value, character in enumerate(_BASE64)}
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}|//?[^/]*//?")
_SENSE = re.compile(r"\s*\d+\.\s*")
_PASSED_OVER = re.compile(r'\s*("|Synonyms?:|Antonyms?:|see:|Note:|\{|=>|\()')
SENSES = 2  # translations taken of one word: more of them drown a short query
_WORDS = 3  # of a translation; what is longer explains


def base64_number(digits: str) -> int:
    """A number in the base 64 of `.index` files, highest digit first; raises `ValueError` for anything else."""
    number = 0
    for digit in digits:
        if digit not in _DIGITS:
            raise ValueError(f"{digits!r} is no number in base 64")
        number = number * 64 + _DIGITS[digit]
    return number


class _Kept(dict[int, str]):
    """A table for `str.translate`: letters, marks and digits of any script stay, all else is a space."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = character if unicodedata.category(character)[0] in "LMN" else " "
        return self[code]


_KEPT = _Kept()


def key_of(text: str) -> str:
    """What words are looked up by: NFKC, case folded, letters, marks, digits and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_KEPT).split())


def translations(entry: str) -> list[str]:
    """The first translation of each of an entry's first senses."""
    found: list[str] = []
    for line in entry.splitlines()[1:]:
        numbered = _SENSE.match(line)
        if _PASSED_OVER.match(line) or (found and not numbered):
            continue  # a line without a number after a translation defines or comments on it
        plain = line[numbered.end() :] if numbered else line
        previous = None
        while previous != plain:
            previous, plain = plain, _BRACKETS.sub(" ", plain)
        words = re.split(r"[,;]", plain.replace("~", " "))[0].split()
        if 1 <= len(words) <= _WORDS and any(map(str.isalpha, "".join(words))):
            found.append(" ".join(words))
        if len(found) == SENSES:
            break
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Dictionary:
    """The text of all entries and, by looked-up key, where those of a word stand."""

    text: bytes
    places: dict[str, list[tuple[int, int]]]

    @classmethod
    def parse(cls, index: bytes, text: bytes) -> Dictionary:
        """From the unpacked files; raises `ValueError` for a line that is none of an index."""
        places: dict[str, list[tuple[int, int]]] = {}
        for line in index.decode("utf-8", "replace").splitlines():
            if line.startswith("00") or not line:
                continue  # facts about the dictionary itself
            word, offset, length = line.split("\t")[:3]
            start, size = base64_number(offset), base64_number(length)
            if start + size > len(text):
                raise ValueError(f"the entry of {word!r} lies outside the text")
            places.setdefault(key_of(word), []).append((start, size))
        places.pop("", None)
        return cls(text, places)

    def __contains__(self, key: str) -> bool:
        """Whether a word has an entry."""
        return key in self.places

    def entries(self) -> Iterator[tuple[str, str]]:
        """(key, text) of every entry."""
        for key in self.places:
            for entry in self._texts(key):
                yield key, entry

    def _texts(self, key: str) -> Iterator[str]:
        for start, size in self.places.get(key, ()):
            yield self.text[start : start + size].decode("utf-8", "replace")

    def look_up(self, key: str) -> list[str]:
        """Translations of a word, of its first `SENSES` entries; an entry that only refers to others has none."""
        found: list[str] = []
        for entry in self._texts(key):
            found += translations(entry)
            if len(found) >= SENSES:
                break
        return list(dict.fromkeys(found))[:SENSES]
