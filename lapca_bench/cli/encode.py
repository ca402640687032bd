"""`lapca-bench encode`: put a collection's vectors into the store ahead of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lapca_bench.cli.options import Ray, Split, workspace_on
from lapca_bench.cli.output import Json, Quiet, Verbose, say, say_columns, say_json, set_volume, size

if TYPE_CHECKING:
    from lapca_bench.collections.base import Collection
    from lapca_bench.encoders.protocol import Encoder
    from lapca_bench.store.vectors import Cost, VectorStore


def encode(
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, a card's path, or file.py:Class.")],
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", metavar="NAME", help="A collection or group; repeat for more.")
    ],
    split: Split = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what it will cost, from a few texts; store nothing.")
    ] = False,
    json: Json = False,
    ray: Ray = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Encode documents and queries ahead of a run.

    Vectors that are in the cache are not computed again.
    """
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.store.vectors import Tally

    set_volume(quiet, verbose)
    factory = SystemFactory.of([system], workspace_on(ray))
    made = factory(system)
    if not isinstance(made, DenseSystem):
        raise UsageError(f"{system} is no dense system ({made.identity.kind})", remedy="lapca-bench systems list")
    store, executor = factory.workspace.vectors, factory.workspace.executor
    if dry_run:
        costs = [_cost(name, registry.load(name, split), made.encoder, store) for name in _members(collection)]
        say_json(costs) if json else _say_costs(costs)
        return
    records = []
    for name in _members(collection):
        loaded = registry.load(name, split)
        corpus = store.documents(made.encoder, loaded.documents(), executor)
        queries = Tally()
        store.queries(made.encoder, loaded.queries(), queries)
        encoded, reused = corpus.tally.encoded + queries.encoded, corpus.tally.reused + queries.reused
        seconds, stored = corpus.tally.seconds + queries.seconds, corpus.tally.size + queries.size
        record = {"collection": name, "encoded": encoded, "reused": reused, "seconds": seconds, "bytes": stored}
        records.append(record)
        if not json:
            say(f"{name}: encoded {encoded} texts in {seconds:.1f} s, reused {reused}; {size(stored)}")
    if json:
        say_json(records)


def _members(given: Sequence[str]) -> list[str]:
    from lapca_bench.collections import registry

    return list(dict.fromkeys(member for name in given for member in registry.expand(name)))


def _cost(name: str, collection: Collection, encoder: Encoder, store: VectorStore) -> dict[str, Any]:
    """Texts stored and missing, bytes to write, and seconds, estimated from a few of the missing texts."""
    documents = store.cost(encoder, collection.documents(), "document")
    queries = store.cost(encoder, collection.queries(), "query")
    seconds = _seconds(documents, lambda texts, language: encoder.encode_documents(texts, language=language))
    seconds += _seconds(
        queries, lambda texts, language: encoder.encode_queries([text.text for text in texts], language=language)
    )
    return {
        "collection": name,
        "stored": documents.stored + queries.stored,
        "to encode": documents.missing + queries.missing,
        "bytes": documents.size + queries.size,
        "seconds": round(seconds, 1),
    }


def _seconds(cost: Cost, encode: Callable[[Sequence[Any], str | None], object]) -> float:
    """Seconds for all missing texts, from those of the sample that have the first one's language."""
    sample = [text for text in cost.sample if text.language == cost.sample[0].language]
    if not sample:
        return 0.0
    started = time.perf_counter()
    encode(sample, sample[0].language or None)
    return (time.perf_counter() - started) / len(sample) * cost.missing


def _say_costs(costs: Sequence[dict[str, Any]]) -> None:
    rows = [
        (cost["collection"], cost["stored"], cost["to encode"], size(cost["bytes"]), f"{cost['seconds']:.0f} s")
        for cost in costs
    ]
    say_columns(("collection", "stored", "to encode", "to write", "about"), rows)
