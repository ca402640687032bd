"""Judged documents that a collection does not have: each is one that no system can find, so whoever scores is told.

Which they are is noticed while the documents stream by for a system, so that it costs no second pass.
"""

from __future__ import annotations

from collections.abc import Collection as Sized
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

from lapca_bench.collections.base import Collection
from lapca_bench.run import Qrels, Relevance
from lapca_bench.types import Document

_SHOWN = 3


@runtime_checkable
class NoticesJudged(Protocol):
    """A collection that notices which judged documents come by."""

    def absent_judged(self) -> tuple[str, ...]:
        """Ids of judged documents that the collection does not have, ascending; reads it once where nobody has."""


class Noticing:
    """Watches the streams of a collection's documents; what is absent is known once one of them came to its end."""

    def __init__(self, relevance: Relevance) -> None:
        self._relevance = relevance
        self.absent: tuple[str, ...] | None = None

    @cached_property
    def _judged(self) -> frozenset[str]:
        return frozenset(judged_documents(self._relevance))

    def watched(self, documents: Iterator[Document]) -> Iterator[Document]:
        """`documents`, unchanged."""
        if self.absent is not None or not self._judged:
            yield from documents
            self.absent = self.absent or ()
            return
        left = set(self._judged)
        for document in documents:
            left.discard(document.id)
            yield document
        self.absent = tuple(sorted(left))


@dataclass(frozen=True)
class AbsentJudged:
    """How many documents are judged, and which of them are not there."""

    judged: int
    absent: tuple[str, ...]

    def __str__(self) -> str:
        some = ", ".join(map(repr, self.absent[:_SHOWN]))
        share = 100 * len(self.absent) / self.judged
        return (
            f"{len(self.absent):,} of {self.judged:,} judged documents ({share:.2g} %) are not in the collection, such "
            f"as {some}: no system can find them; check that judgements and documents are of one version, ids alike"
        )


def judged_documents(relevance: Relevance) -> set[str]:
    """The ids of all documents that are judged for some query; none where relevance is by answers."""
    graded = relevance.judgements.values() if isinstance(relevance, Qrels) else ()
    return {document for documents in graded for document in documents}


def absent_judged(collection: Collection, documents: Sized[str] | None = None) -> AbsentJudged | None:
    """The judged documents that a collection does not have; None where it has them all.

    `documents` are all of its ids, where the caller knows them.
    """
    judged = judged_documents(collection.relevance())
    if documents is not None:
        absent = tuple(sorted(judged - set(documents)))
    elif isinstance(collection, NoticesJudged):
        absent = collection.absent_judged()
    else:
        noticing = Noticing(collection.relevance())
        for _ in noticing.watched(collection.documents()):
            pass
        absent = noticing.absent or ()
    return AbsentJudged(len(judged), absent) if absent else None
