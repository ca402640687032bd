"""How a stored result was made, read by name and type instead of by key.

The record is JSON, written by `experiment.runner` and kept to the letter: what this release does not know of is neither
lost nor changed when a result is written again, and a page may show every entry. What tables, boards and comparisons
rely on has an attribute here, so that a key that nobody writes cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
T = TypeVar("T")


def _entry(record: Mapping[str, Json], name: str, kind: type[T]) -> T | None:
    """The entry `name`, None where it was not recorded; raises `ValueError` where it is of another type."""
    value = record.get(name)
    if value is None:
        return None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"provenance: {name} is {type(value).__name__}")
    return value


def _table(record: Mapping[str, Json], name: str) -> dict[str, Json]:
    found = _entry(record, name, dict)
    return {} if found is None else found


@dataclass(frozen=True)
class CollectionRecord:
    """The collection as it was: what two results share that stand in one table. "" where it was not recorded."""

    version: str = ""
    fingerprint: str = ""
    queries: int | None = None

    @classmethod
    def of(cls, record: Mapping[str, Json]) -> CollectionRecord:
        """Raises `ValueError` for another type."""
        version, fingerprint = (_entry(record, name, str) or "" for name in ("version", "fingerprint"))
        return cls(version, fingerprint, _entry(record, "queries", int))


@dataclass(frozen=True)
class PolicyRecord:
    """How the collection was evaluated: see `collections.base.Policy`."""

    measures: tuple[str, ...] = ()
    average: str = "macro"
    translations: str = ""
    task: str = "retrieval"

    @classmethod
    def of(cls, record: Mapping[str, Json]) -> PolicyRecord:
        """Raises `ValueError` for another type."""
        measures = _entry(record, "measures", list) or []
        if not all(isinstance(measure, str) for measure in measures):
            raise ValueError("provenance: measures are texts")
        return cls(
            tuple(str(measure) for measure in measures),
            _entry(record, "average", str) or "macro",
            _entry(record, "translations", str) or "",
            _entry(record, "task", str) or "retrieval",
        )


def _prompts(record: Mapping[str, Json]) -> dict[str, tuple[str, str]]:
    """By encoder, what stood before queries and before documents; raises `ValueError` for another type."""
    found: dict[str, tuple[str, str]] = {}
    for encoder in record:
        match _entry(record, encoder, list):
            case [str(query), str(document)]:
                found[encoder] = (query, document)
            case _:
                raise ValueError(f"provenance: prompts of {encoder} are two texts, of queries and of documents")
    return found


@dataclass(frozen=True)
class RecallRecord:
    """Of an approximate search: the share of the first `at` documents of an exact one that it found."""

    recall: float
    at: int
    queries: int

    @classmethod
    def of(cls, record: Mapping[str, Json]) -> RecallRecord | None:
        """None where nothing was recorded; raises `ValueError` for another type or a missing entry."""
        if not record:
            return None
        recall, at, queries = _entry(record, "recall", float), _entry(record, "at", int), _entry(record, "queries", int)
        if recall is None or at is None or queries is None:
            raise ValueError("provenance: recall has recall, at and queries")
        return cls(recall, at, queries)


@dataclass(frozen=True)
class Timings:
    """Seconds by stage, such as "encode documents" or "rank"; `total` covers search and scoring."""

    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def rank(self) -> float | None:
        """Searching with vectors or an index that are there."""
        return self.stages.get("rank")

    @property
    def total(self) -> float:
        """The whole of it; where it was not recorded, the sum of what was."""
        return self.stages.get("total", sum(self.stages.values()))

    @property
    def encoding(self) -> float | None:
        """Encoding of both sides; None where nothing was encoded."""
        found = [seconds for stage, seconds in self.stages.items() if stage.startswith("encode")]
        return sum(found) if found else None

    @classmethod
    def of(cls, record: Mapping[str, Json]) -> Timings:
        """Raises `ValueError` for another type."""
        return cls({stage: seconds for stage in record if (seconds := _entry(record, stage, float)) is not None})


class Provenance(Mapping[str, Json]):
    """The record of one result: a mapping of all that was recorded, with attributes for what others rely on.

    `finished` is an ISO date and time, `depth` the documents per query that were asked for, `kept` those that are
    stored where they are fewer, `encoded` and `reused` numbers of texts. Raises `ValueError` for an entry of another
    type.
    """

    def __init__(self, record: Mapping[str, Json]) -> None:
        self._record = dict(record)
        self.finished = _entry(record, "finished", str) or ""
        self.depth = _entry(record, "depth", int)
        self.kept = _entry(record, "kept", int)
        self.encoded = _entry(record, "encoded", int) or 0
        self.reused = _entry(record, "reused", int) or 0
        self.index_bytes = _entry(record, "index_bytes", int)
        self.collection = CollectionRecord.of(_table(record, "collection"))
        self.policy = PolicyRecord.of(_table(record, "policy"))
        self.prompts = _prompts(_table(record, "prompts"))
        self.timings = Timings.of(_table(record, "timings"))
        self.recall = RecallRecord.of(_table(record, "recall"))

    @classmethod
    def recorded(cls, record: Mapping[str, object]) -> Provenance:
        """Of what a run has just recorded, as it will be read from its file: tuples are lists, keys are texts."""
        return cls(json.loads(json.dumps(record, allow_nan=False)))

    def __getitem__(self, name: str) -> Json:
        return self._record[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    def __repr__(self) -> str:
        return f"Provenance({self._record!r})"
