"""Translate-test: queries are translated, and another system answers the translations.

The oldest cross-lingual baseline: a monolingual system behind a translator. A translation is made once per query text
and kept as a sealed JSON file, so that anybody can read what the inner system was asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_texts, digest_value
from lapca_bench.errors import EncoderError
from lapca_bench.run import Run
from lapca_bench.sealed import read_sealed, write_sealed
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.system import System, SystemIdentity
from lapca_bench.search.translation.translators import Translator, find_translator
from lapca_bench.types import Query


class TranslateSettings(SystemSettings):
    """Table `[translate]`: queries pass through `translator` into language `into` before `system` sees them."""

    system: str
    translator: str
    into: str = "en"

    @property
    def parts(self) -> tuple[str, ...]:
        """The system that is asked in the other language."""
        return (self.system,)


class TranslateCard(SystemCard):
    """A system behind a translator."""

    kind: Literal["translate"]
    translate: TranslateSettings

    def check(self) -> None:
        """Raise `MissingResourceError` where the translator is not on this machine."""
        find_translator(self.translate.translator).check()

    def make(self, making: Making) -> TranslateSystem:
        """The system, with its translations in the workspace's cache."""
        settings, folder = self.translate, making.workspace.cache / "translations"
        translator = find_translator(settings.translator)
        return TranslateSystem(translator, making.part(settings.system), settings.into, folder, self.name)


@dataclass(frozen=True)
class _Translated:
    """Queries in the target language where there is a way to it, the rest as they were."""

    queries: list[Query]
    languages: list[str]
    files: list[str]


class TranslateSystem:
    """`inner` asked in language `into`; a query in a language that `translator` lacks is passed on as it is."""

    def __init__(self, translator: Translator, inner: System, into: str, folder: Path, name: str) -> None:
        self._translator = translator
        self._inner = inner
        self._into = into
        self._folder = folder
        self.name = name

    @property
    def parts(self) -> tuple[System, ...]:
        """The systems that it is made of."""
        return (self._inner,)

    @property
    def identity(self) -> SystemIdentity:
        """Translator, target language and the inner system."""
        return SystemIdentity(
            "translate",
            {
                "translator": dict(self._translator.identity),
                "into": self._into,
                "inner": self._inner.identity.digest,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; `notes` names the translated languages and the files of translations."""
        started = time.perf_counter()
        translated = self._translated(queries)
        seconds = time.perf_counter() - started
        run = self._inner.search(collection, translated.queries, k)
        asked = sorted({query.language for query in queries})
        notes = {
            **run.notes,
            "timings": {"translate": round(seconds, 3), **run.notes.get("timings", {})},
            "translated": translated.languages,
            "not_translated": [one for one in asked if one not in (*translated.languages, self._into)],
            "translations": translated.files,
            "first_texts": {
                **run.notes.get("first_texts", {}),
                "asked": queries[0].text if queries else "",
                "translated": translated.queries[0].text if queries else "",
            },
        }
        return replace(run, name=self.name, notes=notes)

    def _translated(self, queries: Sequence[Query]) -> _Translated:
        known = self._translator.sources(self._into)
        languages = sorted({query.language for query in queries} & known)
        done = list(queries)
        files = []
        for language in languages:
            rows = [row for row, query in enumerate(queries) if query.language == language]
            texts, file = self._kept([queries[row].text for row in rows], language)
            files.append(file)
            for row, text in zip(rows, texts, strict=True):
                done[row] = replace(queries[row], text=text, language=self._into)
        return _Translated(done, languages, files)

    def _kept(self, texts: list[str], language: str) -> tuple[list[str], str]:
        """The translations of `texts` and the name of their file, read where they were made before."""
        about = digest_value({"translator": digest_value(self._translator.identity), "into": self._into})
        name = f"{language}-{self._into}-{digest_texts([about, *texts])[:16]}.json"
        path = self._folder / name
        if path.is_file():
            kept = read_sealed(path, "delete it; the texts are translated again then", "file of translations")
            return list(kept["translations"]), name
        made = self._translator.translate(texts, language, self._into)
        if len(made) != len(texts):
            raise EncoderError(
                f"{self.name}: its translator returned {len(made)} texts for {len(texts)}",
                remedy="return one translation per text",
            )
        write_sealed(path, {"texts": texts, "translations": made})
        return made, name
