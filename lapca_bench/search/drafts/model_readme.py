"""What the README.md of a checkpoint says in its head: licence and languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_HEAD = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---", re.DOTALL)
_LICENCE = re.compile(r"^license:\s*[\"']?([\w.+-]+)", re.MULTILINE)
_LANGUAGES = re.compile(r"^language:[ \t]*(.*(?:\n[ \t]*-.*)*)", re.MULTILINE)
_CODE = re.compile(r"(?<![\w-])[a-z]{2,3}(?![\w-])")
_LONGEST = 100_000  # characters of a README that are read


@dataclass(frozen=True)
class ModelReadme:
    """`licence` is "" and `languages` empty where the head, which is YAML, does not state them."""

    licence: str = ""
    languages: tuple[str, ...] = ()

    @classmethod
    def beside(cls, folder: Path) -> Self:
        """Of the README.md in a folder."""
        try:
            text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:_LONGEST]
        except OSError:
            return cls()
        head = _HEAD.match(text)
        if head is None:
            return cls()
        licence, languages = _LICENCE.search(head[1]), _LANGUAGES.search(head[1])
        codes = () if languages is None else tuple(dict.fromkeys(_CODE.findall(languages[1])))
        return cls(licence[1] if licence else "", codes)
