"""Dictionary translation with FreeDict, word by word: the weak baseline of translate-test.

Longest match first, over up to `LONGEST` words, or characters where a script does not part them. A word that is not in
the dictionary is tried again without its ending, down to `STEM` of its letters; what is still unknown (names, mostly)
stays as it is. There is no choice of sense, no grammar and no word order.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from lapca_bench.errors import InputError, UsageError
from lapca_bench.resources import locate, manifest
from lapca_bench.resources.archives import members
from lapca_bench.search.translation.dictd import Dictionary, key_of, translations

RESOURCE = "freedict"
RECIPE = 1  # raise it when a rule of this file or of `dictd` changes a translation
LONGEST = 4
LONGEST_CHARACTERS = 8
STEM = 0.6
_SHORTEST_STEM = 4

# Dictionaries into English, and those out of English, which are read backwards.
FORWARDS = {"ar": "ara", "de": "deu", "el": "ell", "es": "spa", "fi": "fin", "fr": "fra", "ja": "jpn", "tr": "tur"}
BACKWARDS = {"hi": "hin", "id": "ind", "ru": "rus", "sw": "swh"}
_UNSPACED = ("ja",)
_UNITS = re.compile(r"[a-z0-9]+|\S")  # where words are not parted: Latin ones whole, all else by character


class FreeDict:
    """A `Translator` into English."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """The packages' digests and the rules' version."""
        folder = locate(RESOURCE)
        return {"name": "freedict", "packages": manifest(folder)["packages"], "recipe": RECIPE}

    def sources(self, target: str) -> frozenset[str]:
        """The languages with a dictionary, where `target` is English."""
        return frozenset([*FORWARDS, *BACKWARDS]) if target == "en" else frozenset()

    def check(self) -> None:
        """Raise `MissingResourceError` where the packages are not here."""
        locate(RESOURCE)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Word-by-word translations; raises `UsageError` for a pair without a dictionary."""
        if source not in self.sources(target):
            raise UsageError(f"no FreeDict dictionary from {source} into {target}")
        words = _words(source)
        return [_translated(text, words, spaced=source not in _UNSPACED) for text in texts]


class Words:
    """Translations by key, read from the dictionary when a word is first asked for."""

    def __init__(self, dictionary: Dictionary, *, backwards: bool) -> None:
        self._dictionary = dictionary
        self._backwards: dict[str, list[str]] | None = None
        if backwards:
            self._backwards = {}
            for english, entry in dictionary.entries():
                for word in translations(entry):
                    self._backwards.setdefault(key_of(word), []).append(english)
        self._known: dict[str, str | None] = {}

    def look_up(self, key: str) -> str | None:
        """The translation of a key, None where there is none."""
        if key not in self._known:
            if self._backwards is None:
                found = self._dictionary.look_up(key)
            else:
                found = sorted(set(self._backwards.get(key, ())), key=lambda word: (len(word), word))[:2]
            self._known[key] = " ".join(found) or None
        return self._known[key]

    def look_up_stem(self, key: str) -> str | None:
        """The translation of a word, or of the longest beginning of it that is one."""
        shortest = max(_SHORTEST_STEM, round(STEM * len(key)))
        lengths = chain([len(key)], range(len(key) - 1, shortest - 1, -1))
        return next((found for length in lengths if (found := self.look_up(key[:length])) is not None), None)


@cache
def _words(language: str) -> Words:
    backwards = language in BACKWARDS
    pair = f"eng-{BACKWARDS[language]}" if backwards else f"{FORWARDS[language]}-eng"
    return Words(_dictionary(_package(pair), pair), backwards=backwards)


def _package(pair: str) -> Path:
    found = sorted(locate(RESOURCE).glob(f"dict-freedict-{pair}_*.deb"))
    if not found:
        raise InputError(
            f"no package dict-freedict-{pair}", path=locate(RESOURCE), remedy=f"lapca-bench fetch {RESOURCE}"
        )
    return found[0]


def _dictionary(package: Path, pair: str) -> Dictionary:
    wanted = {f"freedict-{pair}.dict.dz", f"freedict-{pair}.index"}
    try:
        parts = {
            name.rpartition(".")[2]: stream.read()
            for name, stream in members(package, lambda name: name.rpartition("/")[2] in wanted)
        }
        return Dictionary.parse(parts["index"], gzip.decompress(parts["dz"]))
    except (KeyError, ValueError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"not a dictionary: {error}", path=package, remedy=f"lapca-bench fetch {RESOURCE}") from error


def _translated(text: str, words: Words, *, spaced: bool) -> str:
    units = key_of(text).split() if spaced else _UNITS.findall(key_of(text))
    longest, joint = (LONGEST, " ") if spaced else (LONGEST_CHARACTERS, "")
    done: list[str] = []
    start = 0
    while start < len(units):
        for size in range(min(longest, len(units) - start), 0, -1):
            key = joint.join(units[start : start + size])
            found = words.look_up_stem(key) if size == 1 and spaced else words.look_up(key)
            if found is not None:
                break
        done.append(found if found is not None else units[start])
        start += size
    return " ".join(done)
