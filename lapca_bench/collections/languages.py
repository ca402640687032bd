"""The languages of all collections: codes, script, name and family, from `languages.csv`.

A language's own code is ISO 639-1 where there is one, else ISO 639-3; `language` also finds it by its ISO 639-3 code
and by the codes that data sets use for it (Tatoeba's "cmn" is "zh"). Scripts are ISO 15924, those the collections use.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
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


@cache
def languages() -> Mapping[str, Language]:
    """Every language by its own code, in the order of codes."""
    text = files(__package__).joinpath("languages.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["code"]: Language(
            row["code"], row["iso639_3"], tuple(row["aliases"].split()), row["script"], row["name"], row["family"]
        )
        for row in rows
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
