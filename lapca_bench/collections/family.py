"""`Family`: a set of collections that share a source, a loader and a licence ("help-pages", "mr-tydi")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lapca_bench.collections.base import Collection, CollectionCard


@dataclass(frozen=True)
class Presence:
    """Whether the files of a collection are on this machine; where not, why and how to get them.

    `fetch` names the resources that `lapca-bench fetch` would bring for it.
    """

    present: bool
    reason: str = ""
    remedy: str = ""
    fetch: tuple[str, ...] = ()


@dataclass(frozen=True)
class Count:
    """An expected count (from the authors, with the source in the catalogue) beside the one found."""

    what: str
    expected: int
    found: int

    @property
    def equal(self) -> bool:
        """Whether both agree."""
        return self.expected == self.found


class Family(Protocol):
    """A source of collections. `subset` is the part after the slash in "family/subset"."""

    @property
    def name(self) -> str:
        """The part before the slash."""

    def subsets(self) -> Sequence[str]:
        """All subsets, in the order of tables; needs no data."""

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Named lists of subsets that make one table ("xx-en"); the first group is what the bare family name means."""

    def card(self, subset: str) -> CollectionCard:
        """Facts and policy; needs no data."""

    def presence(self, subset: str) -> Presence:
        """Whether `load` will find its files."""

    def load(self, subset: str, split: str | None) -> Collection:
        """The collection; raises `MissingResourceError` where files are absent, `UsageError` for an unknown split."""

    def counts(self, subset: str) -> Sequence[Count]:
        """Expected and found counts of everything countable that is present."""
