"""Which collections make one table, and which column each of their query languages fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import CollectionCard
from lapca_bench.errors import UsageError


@dataclass(frozen=True)
class Place:
    """The column `label` holds the queries of `language` of `collection`."""

    collection: str
    language: str
    label: str


def places(languages: Mapping[str, Sequence[str]]) -> tuple[Place, ...]:
    """The columns of a table over collections, given the query languages of each, sorted by label.

    A column is called by its query language. Where a group's collections share one (English to many languages), it is
    called by the document language, and where that does not tell them apart either, by the collection ("ar-de").
    Raises `UsageError` where collections with several query languages would fill the same columns.
    """
    pairs = [(collection, language) for collection, own in languages.items() for language in own]
    for labels in (
        [language for _, language in pairs],
        [_document_language(collection) for collection, _ in pairs],
        [collection.partition("/")[2] for collection, _ in pairs],
    ):
        if len(set(labels)) == len(pairs):
            made = (Place(*pair, label) for pair, label in zip(pairs, labels, strict=True))
            return tuple(sorted(made, key=lambda place: place.label))
    raise _clash(languages)


def by_query_language(languages: Mapping[str, Sequence[str]]) -> tuple[Place, ...]:
    """The columns of collections that no group ties together: one per query language.

    Raises `UsageError` where two collections would fill one column.
    """
    made = tuple(Place(collection, language, language) for collection, own in languages.items() for language in own)
    if len({place.label for place in made}) < len(made):
        raise _clash(languages)
    return tuple(sorted(made, key=lambda place: place.label))


def _clash(names: Iterable[str]) -> UsageError:
    return UsageError(
        f"{' and '.join(names)} have queries in the same languages, which makes two columns of one name",
        remedy="make one table for each collection or group",
    )


def _document_language(collection: str) -> str:
    """The language of a collection's documents, "" where they are of several or its card is not here."""
    try:
        languages = collections.card(collection).document_languages
    except UsageError:
        return ""
    return languages[0] if len(languages) == 1 else ""


def tables(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tables that names of collections, groups and families ask for, each with its collections.

    A group is one table unless its collections would fill the same columns. Collections named one by one stand in one
    table where they are alike (the same family, policy and documents, or all monolingual) and differ in query language.
    """
    made: dict[str, tuple[str, ...]] = {}
    singles: dict[tuple[object, ...], list[str]] = {}
    for name in names:
        members = collections.expand(name)
        if len(members) > 1 and _is_one_table(members):
            made[name] = members
            continue
        for member in members:
            singles.setdefault(_shape(member) if len(members) == 1 else (member,), []).append(member)
    for alike in singles.values():
        together = tuple(dict.fromkeys(alike))
        if len(together) > 1 and _query_languages_differ(together):
            made[_name(together)] = together
        else:
            made.update({member: (member,) for member in together})
    return made


def _is_one_table(members: Sequence[str]) -> bool:
    try:
        places({member: collections.card(member).query_languages for member in members})
    except UsageError:
        return False
    return True


def _shape(name: str) -> tuple[object, ...]:
    """What two collections must have in common to stand in one table without being a group."""
    card = collections.card(name)
    if name != card.name:  # the path of a card: its documents are its own
        return (name,)
    documents = "own" if _is_monolingual(card) else card.document_languages
    return (card.family, card.policy, documents)


def _is_monolingual(card: CollectionCard) -> bool:
    return len(card.query_languages) == 1 and card.document_languages == card.query_languages


def _query_languages_differ(names: Sequence[str]) -> bool:
    languages = [language for name in names for language in collections.card(name).query_languages]
    return len(set(languages)) == len(languages)


def _name(names: Sequence[str]) -> str:
    family = names[0].partition("/")[0]
    if len(names) > 6:
        return f"{family} ({len(names)} collections)"
    return f"{family}/{', '.join(name.partition('/')[2] for name in names)}"
