"""`lapca-bench encode`: put a collection's vectors into the store ahead of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from lapca_bench.cli.options import Ray, Split, workspace_on
from lapca_bench.cli.output import Json, Quiet, Verbose, say, say_json, set_volume, size


def encode(
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, a card's path, or file.py:Class.")],
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", metavar="NAME", help="A collection or group; repeat for more.")
    ],
    split: Split = None,
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
    records = []
    for name in dict.fromkeys(member for given in collection for member in registry.expand(given)):
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
