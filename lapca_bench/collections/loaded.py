"""`LoadedCollection`: a collection whose queries and judgements are in memory and whose documents stream from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lapca_bench.collections.base import CollectionCard
from lapca_bench.collections.family import Count
from lapca_bench.collections.file_digests import FileState, file_fingerprint, refuse_changed
from lapca_bench.collections.judged import Noticing
from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError
from lapca_bench.inputs.identifiers import REMEDY, fault_of
from lapca_bench.run import Relevance
from lapca_bench.types import Document, Query


@dataclass(frozen=True)
class LoadedCollection:
    """Implements `Collection`. `stream` opens the documents anew at each call.

    `judged` streams the documents as the authors' evaluator reads them when it looks for answers, where that differs
    from what a system reads (MKQA: systems read normalised lower-case text, answers are sought in the raw text).
    """

    card: CollectionCard
    split: str
    fingerprint: str
    stream: Callable[[], Iterator[Document]]
    asked: tuple[Query, ...]
    relevant: Relevance
    judged: Callable[[], Iterator[Document]] | None = None

    def documents(self) -> Iterator[Document]:
        """All documents, streamed."""
        return self._noticing.watched(self.stream())

    @cached_property
    def _noticing(self) -> Noticing:
        return Noticing(self.relevant)

    def absent_judged(self) -> tuple[str, ...]:
        """Ids of judged documents that are not among the documents, ascending; reads them where nobody has yet."""
        if self._noticing.absent is None:
            for _ in self.documents():
                pass
        return self._noticing.absent or ()

    def judged_documents(self) -> Iterator[Document]:
        """All documents as the evaluator reads them; the same as `documents` unless the protocol says otherwise."""
        return (self.judged or self.stream)()

    def queries(self) -> Sequence[Query]:
        """The queries of this split."""
        return self.asked

    def relevance(self) -> Relevance:
        """Judgements or answers of this split."""
        return self.relevant


def unique_queries(queries: Sequence[Query], path: Path) -> tuple[Query, ...]:
    """The queries; raises `InputError` for an id that no run file could carry, and where one comes twice."""
    seen: set[str] = set()
    for query in queries:
        if fault := fault_of(query.id):
            raise InputError(fault, path=path, remedy=REMEDY)
        if query.id in seen:
            raise InputError(f"the query id {query.id!r} comes twice", path=path, remedy="ids must be unique")
        seen.add(query.id)
    return tuple(queries)


def counted(documents: Iterator[Document], expected: int | None, path: Path, version: str) -> Iterator[Document]:
    """`documents`, and at their end an `InputError` if they are not as many as `expected` (None: not known)."""
    found = 0
    for document in documents:
        found += 1
        yield document
    if expected is not None and found != expected:
        refuse_unequal([Count("documents", expected, found)], path, version)


def refuse_unequal(counts: Sequence[Count], path: Path, version: str) -> None:
    """Raise `InputError` for the first count that is not the published one: cut short, or of another version."""
    for count in counts:
        if not count.equal:
            raise InputError(
                f"{count.what}: {count.found:,} found, {count.expected:,} expected of version {version}",
                path=path,
                remedy=f"this file was cut short, was changed or is of another version; use version {version}",
            )


def unchanged(documents: Iterator[Document], before: Mapping[Path, FileState]) -> Iterator[Document]:
    """`documents`, and at their end an `InputError` if one of these files, which they come from, is no longer so."""
    yield from documents
    refuse_changed(before)


def fingerprint(card: CollectionCard, split: str, files: Mapping[str, Sequence[Path]]) -> str:
    """The digest of a collection: its name, version and split and all bytes of its files by role."""
    return digest_value(
        {
            "name": card.name,
            "version": card.version,
            "split": split,
            "files": {role: [file_fingerprint(path) for path in paths] for role, paths in files.items()},
        }
    )
