"""The languages of all collections and boards: codes, script, name and family, from `languages.csv`.

A language's own code is ISO 639-1 where there is one, else ISO 639-3; `language` also finds it by its ISO 639-3 code
and by the codes that data sets use for it (Tatoeba's "cmn" is "zh"). Scripts are ISO 15924, those the collections use;
`scripts.csv` names them, the two Chinese ones alike.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lapca_bench.errors import unknown_name


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    code: str
    iso639_3: str
    aliases: tuple[str, ...]
    script: str
    name: str
    family: str

    @property
    def script_name(self) -> str:
        """The script in English."""
        return _scripts()[self.script]


@cache
def _scripts() -> Mapping[str, str]:
    return {row["code"]: row["name"] for row in _rows("scripts.csv")}


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


@cache
def languages() -> Mapping[str, Language]:
    """Every language by its own code, in the order of codes."""
    return {
        row["code"]: Language(
            row["code"], row["iso639_3"], tuple(row["aliases"].split()), row["script"], row["name"], row["family"]
        )
        for row in _rows("languages.csv")
    }


@cache
def _by_any_code() -> Mapping[str, Language]:
    found = dict(languages())
    for entry in languages().values():
        for code in (entry.iso639_3, *entry.aliases):
            found.setdefault(code, entry)
    return found


def language(code: str) -> Language:
    """The language that `code` stands for; raises `UsageError` with the nearest codes for an unknown one."""
    found = _by_any_code().get(code)
    if found is None:
        raise unknown_name("language", code, _by_any_code())
    return found


@cache
def _by_lower_case() -> Mapping[str, Language]:
    return {code.lower(): found for code, found in _by_any_code().items()}


def known_language(code: str) -> Language | None:
    """The language that `code` stands for, whatever the case of its letters; None for an unknown one."""
    return _by_lower_case().get(code.lower())


def language_code(text: str) -> str:
    """`text`, where it is written as a language code is, known or not; else `ValueError` with the nearest known one."""
    if re.fullmatch("[a-z]{2,3}(-[A-Z][a-z]{3})?", text):
        return text
    raise ValueError(f"{text!r} is no language code: {_likely(text)}")


def _likely(text: str) -> str:
    """What a text that is no code may have been meant as, or how codes are written."""
    by_name = {found.name.casefold(): code for code, found in languages().items()}
    if name := by_name.get(text.casefold()):
        return f'{text.capitalize()} is "{name}"'
    first, *rest = re.split("[-_]", text)
    known = known_language(first)
    script = next((part.title() for part in rest if part.title() in _scripts()), "")
    if known is not None and first.isascii():
        code = f"{first.lower()}-{script}" if script else first.lower()
        return f'write "{code}"' + ("" if script or not rest else " (regions take no part)")
    return "two or three small letters (ISO 639), perhaps with a script: de, swh, zh-Hant"
