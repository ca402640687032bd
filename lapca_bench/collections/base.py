"""`Collection`: documents, queries and what counts as relevant, with the policy that goes with them.

The policy is declared by the collection and not by the caller: which measures, how deep, what happens to a query
without a relevant document, whether a query may retrieve itself, how languages are averaged.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Sized
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from lapca_bench.errors import UsageError
from lapca_bench.run import Relevance
from lapca_bench.types import Document, Query, Task

LANGUAGE, QUERY = "{language}", "{query}"  # in `Policy.translations`
_TRANSLATIONS = re.compile(r"(\{language\}[^{}]+)?\{query\}|\{query\}[^{}]+\{language\}")


@dataclass(frozen=True)
class Policy:
    """How a collection is evaluated.

    `measures`: names such as "nDCG@10"; the first is the collection's main measure. `depth`: documents retrieved per
    query. `self_match`: "drop" removes the document whose id equals the query's id before the cut-off, "keep" leaves
    it (elsewhere ids may collide by accident). `no_relevant`: a query without a relevant document counts as "zero" or
    is left out ("exclude"). `average`: how the mean over languages is taken, "macro" (mean of the languages' means) or
    "micro" (mean over queries). `translations`: how ids name what translations of one query share, as
    "{language}:{query}", "{query}_{language}" or "{query}" (one id in every language); "" where every query stands
    alone. Tests and intervals take the translations of a query as one observation. Another form is a `UsageError`.
    `task`: what models are prompted for.
    """

    measures: tuple[str, ...]
    depth: int = 100
    self_match: Literal["keep", "drop"] = "keep"
    no_relevant: Literal["zero", "exclude"] = "zero"
    average: Literal["macro", "micro"] = "macro"
    translations: str = ""
    task: Task = "retrieval"

    def __post_init__(self) -> None:
        """Refuse a form of ids that does not say where the query stands."""
        if self.translations and not _TRANSLATIONS.fullmatch(self.translations):
            raise UsageError(
                f"translations = {self.translations!r} does not say how ids name translations of one query",
                key="translations",
                remedy=f'write such as "{LANGUAGE}:{QUERY}", "{QUERY}_{LANGUAGE}" or "{QUERY}"',
            )


@dataclass(frozen=True)
class CollectionCard:
    """Facts about a collection that belong beside its numbers."""

    name: str  # "help-pages/de-en"
    family: str  # "help-pages"
    title: str
    version: str
    licence: str
    citation: str
    url: str
    policy: Policy
    query_languages: tuple[str, ...]  # ISO 639 codes
    document_languages: tuple[str, ...]
    splits: tuple[str, ...] = ("test",)
    note: str = ""


@runtime_checkable
class Collection(Protocol):
    """What the harness needs of a collection. `documents()` streams and may be called again; order is fixed.

    Documents of one language come one after the other, so that a pool of several languages is cut into the same
    shards as the collections of each language, and no text is encoded twice.
    """

    @property
    def card(self) -> CollectionCard:
        """The facts and the policy."""

    @property
    def split(self) -> str:
        """The split that `queries` and `relevance` are of."""

    @property
    def fingerprint(self) -> str:
        """A digest that changes when a document, query or judgement may have changed; needs no pass over the corpus."""

    def documents(self) -> Iterator[Document]:
        """All documents, streamed; raises `MissingResourceError` where the corpus is not here."""

    def queries(self) -> Sequence[Query]:
        """The queries of this split, in a fixed order, ids unique."""

    def relevance(self) -> Relevance:
        """Graded judgements or answer strings of this split."""


@runtime_checkable
class JudgesOtherTexts(Protocol):
    """A collection whose protocol seeks answers in other texts than systems read (MKQA: as written, not normalised)."""

    def judged_documents(self) -> Iterator[Document]:
        """All documents with the texts that answers are sought in, streamed."""


def document_texts(collection: Collection, ids: Sized[str]) -> dict[str, Document]:
    """The documents with these ids, as answers are sought in them, in one streamed pass; ids it lacks are absent."""
    wanted = set(ids)
    found: dict[str, Document] = {}
    documents = collection.judged_documents() if isinstance(collection, JudgesOtherTexts) else collection.documents()
    for document in documents:
        if document.id in wanted:
            found[document.id] = document
            if len(found) == len(wanted):
                break
    return found
