"""A Lucene index and its search, driven directly: what BM25 needs and no more.

Documents are index-sorted by id, descending, and merged into one segment. Lucene breaks score ties by its internal
document number, ascending, so its order is the harness's canonical one, at the cut too, and the n-th number is the n-th
id: hits come back as numbers, without stored fields.
"""

from __future__ import annotations

import errno
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from lapca_bench.errors import InputError, StoreError
from lapca_bench.progress import progress
from lapca_bench.run import Float32, Int64
from lapca_bench.search.lexical.machine import AutoClass, JavaObject, java, java_errors, java_path
from lapca_bench.types import Document

FIELD = "contents"
ID = "id"
_HIT = re.compile(r"doc=(\d+) score=(\S+)")
_CHUNK = 256  # queries that a thread takes at a time
_LONGEST_ID = 32_766  # bytes in a term of Lucene


@dataclass(frozen=True)
class Analyser:
    """How texts of a language become terms. `name` is shown in every row; `fallback`: the language has no own one."""

    language: str
    name: str
    chain: tuple[str, ...] = ()
    fallback: bool = False

    def make(self, autoclass: AutoClass) -> JavaObject:
        """The Java object."""
        if self.chain:
            return _chain(autoclass, self.chain)
        kind = autoclass(self.name)
        return kind.newDefaultInstance() if self.name.startswith("io.anserini") else kind()


def analyser_of(language: str) -> Analyser:
    """The analyser for documents of `language`, or the named fallback."""
    table = _analysers()
    entry = table.get(language)
    fallback = entry is None
    entry = entry or table["fallback"]
    chain = tuple(entry.get("chain", ()))
    return Analyser(language, entry.get("class", "+".join(chain)), chain, fallback)


@cache
def _analysers() -> dict[str, Any]:
    return tomllib.loads(files("lapca_bench.search.lexical").joinpath("analysers.toml").read_text("utf-8"))


def _chain(autoclass: AutoClass, chain: Sequence[str]) -> JavaObject:
    tokeniser, *filters = chain
    map_of = autoclass("java.util.HashMap")
    builder = autoclass("org.apache.lucene.analysis.custom.CustomAnalyzer").builder()
    builder = builder.withTokenizer(tokeniser, map_of())
    for name in filters:
        settings = map_of()
        if name == "nGram":
            settings.put("minGramSize", "2")
            settings.put("maxGramSize", "2")
        builder = builder.addTokenFilter(name, settings)
    return builder.build()


def write_index(folder: Path, documents: Iterable[Document], analyser: Analyser) -> list[str]:
    """Index `documents` into the empty `folder`; returns their ids in the order of Lucene's document numbers.

    Raises `InputError` for an id that is empty, repeated or no valid Unicode, `StoreError` where Lucene cannot write.
    """
    with java() as autoclass, java_errors(partial(_unwritable, folder)):
        ids = _write(autoclass, _writer(autoclass, folder, analyser), documents, analyser)
    ids.sort(reverse=True)
    if len(set(ids)) != len(ids) or (ids and not ids[-1]):
        raise InputError("the corpus holds an empty or repeated document id", remedy="make the document ids unique")
    return ids


def _write(autoclass: AutoClass, writer: JavaObject, documents: Iterable[Document], analyser: Analyser) -> list[str]:
    reference = autoclass("org.apache.lucene.util.BytesRef")
    ids: list[str] = []
    try:
        body = autoclass("org.apache.lucene.document.TextField")(
            FIELD, "", autoclass("org.apache.lucene.document.Field$Store").NO
        )
        key = autoclass("org.apache.lucene.document.SortedDocValuesField")(ID, reference(b"-"))
        record = autoclass("org.apache.lucene.document.Document")()
        record.add(body)
        record.add(key)
        with progress(f"index ({analyser.language or 'text'})", unit="doc") as bar:
            for document in documents:
                body.setStringValue(_clean(document.content()))
                key.setBytesValue(reference(_id_bytes(document.id)))
                writer.addDocument(record)
                ids.append(document.id)
                bar.advance()
        writer.forceMerge(1)
        writer.commit()
    finally:
        writer.close()
    return ids


def _id_bytes(identifier: str) -> bytes:
    try:
        encoded = identifier.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"a document id is not valid Unicode: {identifier!r}", remedy="mend the id") from error
    if len(encoded) > _LONGEST_ID:
        message = f"document id {identifier[:40]!r}… has {len(encoded)} bytes; Lucene takes {_LONGEST_ID}"
        raise InputError(message, remedy="shorten the id")
    return encoded


def _writer(autoclass: AutoClass, folder: Path, analyser: Analyser) -> JavaObject:
    config = autoclass("org.apache.lucene.index.IndexWriterConfig")(analyser.make(autoclass))
    kind = autoclass("org.apache.lucene.search.SortField$Type")
    descending = autoclass("org.apache.lucene.search.SortField")(ID, kind.STRING, True)
    config.setIndexSort(autoclass("org.apache.lucene.search.Sort")(descending))
    config.setRAMBufferSizeMB(256.0)
    return autoclass("org.apache.lucene.index.IndexWriter")(_directory(autoclass, folder), config)


def _directory(autoclass: AutoClass, folder: Path) -> JavaObject:
    return autoclass("org.apache.lucene.store.FSDirectory").open(java_path(folder))


class LuceneIndex:
    """An open index of `size` documents: `search` answers with indices into the list that `write_index` returned.

    Raises `StoreError` where the folder holds no such index.
    """

    def __init__(self, folder: Path, size: int, analyser: Analyser, k1: float, b: float) -> None:
        self._folder = folder
        with java() as autoclass:
            with java_errors(self._unreadable):
                directory = _directory(autoclass, folder)
                self._reader = autoclass("org.apache.lucene.index.DirectoryReader").open(directory)
            if self._reader.numDocs() != size:
                raise self._unreadable(f"it holds {self._reader.numDocs()} documents where {size} were written")
            searcher = autoclass("org.apache.lucene.search.IndexSearcher")
            searcher.setMaxClauseCount(1 << 20)  # a query may be a whole document
            self._searcher = searcher(self._reader.getContext())  # the bridge picks this constructor for any argument
            self._searcher.setSimilarity(autoclass("org.apache.lucene.search.similarities.BM25Similarity")(k1, b))
            self._analyser = analyser.make(autoclass)
            self._generator = autoclass("io.anserini.search.query.BagOfWordsQueryGenerator")()
            self._arrays = autoclass("java.util.Arrays")
            for name in ("Query", "TopDocs", "ScoreDoc"):  # the bridge makes them known here, not in a thread
                autoclass(f"org.apache.lucene.search.{name}")

    def search(self, texts: Sequence[str], k: int) -> list[tuple[Int64, Float32]]:
        """For each text the numbers and scores of its best `k` documents, best first; none where no term is known.

        Raises `StoreError` where the index cannot be read.
        """
        chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
        found: list[tuple[Int64, Float32]] = []
        threads = ThreadPoolExecutor(os.cpu_count() or 1)
        with java():
            try:
                with progress("search (Lucene)", total=len(texts), unit="query") as bar:
                    for part in threads.map(lambda chunk: self._search_chunk(chunk, k), chunks):
                        found.extend(part)
                        bar.advance(len(part))
            finally:
                threads.shutdown(cancel_futures=True)  # an interrupted search does not go on to its last query
        return found

    def _search_chunk(self, texts: Sequence[str], k: int) -> list[tuple[Int64, Float32]]:
        """In a thread of `search`, which has its turn in Java: every thread calls the same objects."""
        import jnius

        try:
            with java_errors(self._unreadable):
                return [self._one(text, k) for text in texts]
        finally:
            jnius.detach()

    def _one(self, text: str, k: int) -> tuple[Int64, Float32]:
        query = self._generator.buildQuery(FIELD, self._analyser, _clean(text))
        # Printed by Java in one call: reading hits one by one through the bridge costs more than the search.
        hits = _HIT.findall(self._arrays.toString(self._searcher.search(query, k).scoreDocs))
        numbers = np.array([int(number) for number, _ in hits], dtype=np.int64)
        return numbers, np.array([score for _, score in hits], dtype=np.float32)

    def close(self) -> None:
        """Release the index's files."""
        with java():
            self._reader.close()

    def _unreadable(self, message: str) -> StoreError:
        return StoreError(
            f"this Lucene index cannot be read: {message}",
            path=self._folder,
            remedy="`lapca-bench cache verify --repair` removes it if it is damaged; the next run builds it again",
        )


def _unwritable(folder: Path, message: str) -> StoreError:
    remedy = "free space on this disk or make the folder writable, or point LAPCA_BENCH_CACHE at another one"
    reason = "the disk is full" if os.strerror(errno.ENOSPC) in message else message
    return StoreError(f"Lucene cannot write its index: {reason}", path=folder.parent, remedy=remedy)


def _clean(text: str) -> str:
    """`text` as Java can take it: lone surrogates replaced, NUL a blank."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
