"""`BM25System`: Lucene's BM25, one index per language of the documents.

Documents are cut into terms by the analyser of *their* language, and so is the query, whatever language it is in: terms
must be cut alike to meet. A pool of several languages is searched language by language, each index with its own
statistics, and the rankings are merged by score; the row says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, FiniteFloat

from lapca_bench.atomic import atomic_folder
from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_file, digest_texts
from lapca_bench.errors import InputError, StoreError
from lapca_bench.lock import exclusive
from lapca_bench.run import Float32, Int64, Run
from lapca_bench.sealed import read_sealed, write_sealed
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.lexical.java import anserini_version, find_jar, find_java
from lapca_bench.search.lexical.lucene import Analyser, LuceneIndex, analyser_of, write_index
from lapca_bench.search.lexical.machine import lucene_version
from lapca_bench.search.stored import without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.types import Document, Query

log = logging.getLogger(__name__)

MANIFEST = "index.json"

_REMEDY = "`lapca-bench cache verify --repair` removes it; the next run builds it again"


@dataclass(frozen=True)
class _Built:
    """An index on disk: its folder, the ids in the order of document numbers, and what it cost to make now."""

    folder: Path
    analyser: Analyser
    ids: tuple[str, ...]
    size: int
    seconds: float


class BM25Settings(SystemSettings):
    """Table `[bm25]`: `analyser` is a language code whose analyser replaces that of the documents' language."""

    k1: FiniteFloat = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)
    analyser: str | None = None


class BM25Card(SystemCard):
    """A system that is Lucene's BM25."""

    kind: Literal["bm25"]
    bm25: BM25Settings

    def check(self) -> None:
        """Raise `MissingResourceError` without Java or Lucene."""
        find_java()
        find_jar()

    def make(self, making: Making) -> BM25System:
        """The system over the workspace's indexes."""
        settings = self.bm25
        return BM25System(making.workspace.indexes, settings.k1, settings.b, settings.analyser, self.name)


class BM25System:
    """BM25 with `k1` and `b` (Anserini's defaults .9 and .4). `analyser` overrides the documents' language."""

    def __init__(
        self, indexes: Path, k1: float = 0.9, b: float = 0.4, analyser: str | None = None, name: str = "bm25"
    ) -> None:
        self._indexes = indexes
        self._k1, self._b = k1, b
        self._analyser = analyser
        self.name = name

    @property
    def identity(self) -> SystemIdentity:
        """Parameters, analysers' table and the versions of Lucene, Anserini and Java."""
        return SystemIdentity(
            "bm25",
            {
                "k1": self._k1,
                "b": self._b,
                "analyser": self._analyser or "of the documents' language",
                "languages": "one index per document language, rankings merged by score",
                "lucene": lucene_version(),
                "anserini": anserini_version(),
                "java": find_java().version,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; an index that is not in the cache is built first."""
        drop = collection.card.policy.self_match == "drop"
        rows: list[Int64] = []
        documents: list[str] = []
        scores: list[Float32] = []
        built: list[_Built] = []
        ranking = 0.0
        for index in self._built(collection.documents()):
            built.append(index)
            started = time.perf_counter()
            with closing(LuceneIndex(index.folder, len(index.ids), index.analyser, self._k1, self._b)) as opened:
                found = opened.search([query.text for query in queries], k + drop)
            for row, (numbers, values) in enumerate(found):
                rows.append(np.full(len(numbers), row))
                documents += [index.ids[number] for number in numbers]
                scores.append(values)
            ranking += time.perf_counter() - started
        notes = {
            "timings": {
                "index": round(sum(index.seconds for index in built), 3),
                "rank": round(ranking, 3),
            },
            "index_bytes": sum(index.size for index in built),
            "analysers": {index.analyser.language: _shown(index.analyser) for index in built},
        }
        flat = np.concatenate([np.empty(0, np.int64), *rows]), np.concatenate([np.empty(0, np.float32), *scores])
        run = Run.from_columns(self.name, [query.id for query in queries], flat[0], documents, flat[1], notes)
        return (without_self_matches(run) if drop else run).cut(k)

    def _built(self, documents: Iterable[Document]) -> Iterator[_Built]:
        seen: set[str] = set()
        for language, group in groupby(documents, key=lambda document: document.language):
            if language in seen:
                raise InputError(
                    f"documents in {language or 'no language'} do not come one after the other",
                    remedy="let the collection give out its documents language by language",
                )
            seen.add(language)
            yield self._index(list(group), analyser_of(self._analyser or language))

    def _index(self, documents: list[Document], analyser: Analyser) -> _Built:
        about = [analyser.name, lucene_version(), anserini_version(), "index 2"]
        texts = (part for document in documents for part in (document.id, document.content()))
        address = digest_texts([*about, *texts])[:32]
        folder = self._indexes / address
        if (folder / MANIFEST).exists():
            return _read(folder, analyser)
        with exclusive(self._indexes / "locks", address):
            if (folder / MANIFEST).exists():
                return _read(folder, analyser)
            started = time.perf_counter()
            with atomic_folder(folder) as temporary:
                ids = write_index(temporary, documents, analyser)
                parts = sorted(path for path in temporary.iterdir() if path.is_file())
                size = sum(path.stat().st_size for path in parts)
                digests = {path.name: digest_file(path) for path in parts}
                manifest = {"analyser": analyser.name, "size": size, "ids": ids, "files": digests}
                write_sealed(temporary / MANIFEST, manifest)
            seconds = time.perf_counter() - started
            log.info("index (%s): %d documents in %.1f s", analyser.language or "text", len(ids), seconds)
            return _Built(folder, analyser, tuple(ids), size, seconds)


def _read(folder: Path, analyser: Analyser) -> _Built:
    manifest = read_sealed(folder / MANIFEST, _REMEDY, "manifest of a Lucene index")
    try:
        ids, size, digests = tuple(manifest["ids"]), int(manifest["size"]), tuple(manifest["files"].items())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"this manifest of a Lucene index cannot be read: {error}"
        raise StoreError(message, path=folder / MANIFEST, remedy=_REMEDY) from error
    _check_once(folder, digests)
    return _Built(folder, analyser, ids, size, 0.0)


@cache
def _check_once(folder: Path, digests: tuple[tuple[str, str], ...]) -> None:
    """Raise `StoreError` for a file that changed: Lucene itself does not check postings when it opens an index."""
    for name, digest in digests:
        try:
            reason = "" if digest_file(folder / name) == digest else "does not match its digest"
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            raise StoreError(f"this Lucene index cannot be read: {name}: {reason}", path=folder, remedy=_REMEDY)


def _shown(analyser: Analyser) -> str:
    short = analyser.name.rpartition(".")[2]
    return (
        f"{short} (fallback: no analyser for {analyser.language or 'unknown language'})" if analyser.fallback else short
    )
