"""Encoding collections ahead of a run: what is in the store already is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lapca_bench.collections import registry as collections
from lapca_bench.experiment.encoding_cost import EncodingCost, Estimator
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.workspace import Workspace
from lapca_bench.store.vectors import Tally
from lapca_bench.types import Task

Prompted = Callable[[Task], DenseSystem]  # the system, prompted for a kind of task


@dataclass(frozen=True)
class EncodedCollection:
    """What encoding documents and queries of one collection took: texts, seconds, and the vectors' bytes on disk."""

    collection: str
    encoded: int
    reused: int
    seconds: float
    size: int


def members(names: Sequence[str]) -> tuple[str, ...]:
    """The collections that names of collections, groups and families stand for, each once."""
    return tuple(dict.fromkeys(member for name in names for member in collections.expand(name)))


def encode(
    system: Prompted, names: Sequence[str], split: str | None, workspace: Workspace
) -> Iterator[EncodedCollection]:
    """Put the vectors of every collection into the workspace's store; told of each as it ends."""
    for name in members(names):
        loaded = collections.load(name, split)
        encoder = system(loaded.card.policy.task).encoder
        documents = workspace.vectors.documents(encoder, loaded.documents(), workspace.executor).tally
        queries = Tally()
        workspace.vectors.queries(encoder, loaded.queries(), queries)
        yield EncodedCollection(
            name,
            documents.encoded + queries.encoded,
            documents.reused + queries.reused,
            documents.seconds + queries.seconds,
            documents.size + queries.size,
        )


def costs(system: Prompted, names: Sequence[str], split: str | None) -> dict[str, EncodingCost]:
    """What `encode` would have to do for every collection, estimated from a few texts; nothing is stored."""
    estimator = Estimator()
    loaded = {name: collections.load(name, split) for name in members(names)}
    return {name: estimator.of_system(system(one.card.policy.task), one) for name, one in loaded.items()}
