"""`lapca-bench encode`: put a collection's vectors into the store ahead of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.costs import COST_HEADS, cost_cells, cost_record
from lapca_bench.cli.options import Ray, SharedStore, Split, workspace_on
from lapca_bench.cli.output import Json, Quiet, Verbose, say, say_columns, say_json, set_volume, size

if TYPE_CHECKING:
    from lapca_bench.experiment.encoding_cost import EncodingCost


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
    shared: SharedStore = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Encode documents and queries ahead of a run.

    Vectors that are in the cache are not computed again.
    """
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.encoding_cost import Estimator
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.store.vectors import Tally

    set_volume(quiet, verbose)
    factory = SystemFactory.of([system], workspace_on(ray, shared))
    made = factory(system)
    if not isinstance(made, DenseSystem):
        raise UsageError(f"{system} is no dense system ({made.identity.kind})", remedy="lapca-bench systems list")
    store, executor = factory.workspace.vectors, factory.workspace.executor
    if dry_run:
        estimator = Estimator()
        costs = {name: estimator.of_system(made, registry.load(name, split)) for name in _members(collection)}
        _say_costs(costs, as_json=json)
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


def _say_costs(costs: Mapping[str, EncodingCost], *, as_json: bool) -> None:
    if as_json:
        say_json([{"collection": name, **cost_record(cost)} for name, cost in costs.items()])
        return
    say_columns(("collection", *COST_HEADS), [(name, *cost_cells(cost)) for name, cost in costs.items()])
