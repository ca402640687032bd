"""What boards need to know besides numbers, and the kinds of systems in the words of the published numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from lapca_bench.search.card import saw
from lapca_bench.store.results import StoredResult

# Kinds of this project's cards in the words of the published numbers, so that one filter finds both.
_KINDS = {
    "bm25": "lexical",
    "bm25s": "lexical",
    "fusion": "hybrid",
    "head": "dense",
    "margin": "dense",
    "rerank": "reranker",
}


def kind_of(result: StoredResult) -> str:
    """The kind of a result's system, in the words of the published numbers."""
    return _KINDS.get(result.kind, result.kind)


@dataclass(frozen=True)
class Surroundings:
    """What boards need to know besides numbers: groups and titles of collections, what systems were trained on."""

    groups: Mapping[str, Sequence[str]]
    trained_on: Mapping[str, Collection[str]]
    titles: Mapping[str, str] = field(default_factory=dict)

    def group_of(self, collection: str) -> str:
        """The first group that holds a collection, or its family."""
        return next(
            (name for name, members in self.groups.items() if collection in members), collection.partition("/")[0]
        )

    def setting(self, result: StoredResult) -> str:
        """Zero-shot or supervised by what the system's card lists as training data; unknown without a card."""
        if kind_of(result) == "lexical":
            return "sparse"
        if result.system not in self.trained_on:
            return "unknown"
        family = result.collection.partition("/")[0]
        trained = self.trained_on[result.system]
        return "supervised" if saw(trained, family) else "zero-shot"
