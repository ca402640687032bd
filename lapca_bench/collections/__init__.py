"""Collections: documents, queries and what is relevant, found by name ("help-pages/de-en") or by a card's path."""

from lapca_bench.collections.base import Collection, CollectionCard, Policy
from lapca_bench.collections.registry import card, check, expand, groups, load, names, status

__all__ = [
    "Collection",
    "CollectionCard",
    "Policy",
    "card",
    "check",
    "expand",
    "groups",
    "load",
    "names",
    "status",
]
