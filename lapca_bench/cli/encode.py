"""`lapca-bench encode`: put a collection's vectors into the store ahead of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.costs import COST_HEADS, cost_cells, cost_record
from lapca_bench.cli.options import (
    AllowNetwork,
    BatchTokens,
    Device,
    Precision,
    Ray,
    RunCode,
    SharedStore,
    Split,
    Threads,
    hardware_of,
    workspace_on,
)
from lapca_bench.cli.output import Json, Quiet, Verbose, say, say_columns, say_json, set_volume, size

if TYPE_CHECKING:
    from lapca_bench.experiment.encoding_cost import EncodingCost
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.types import Task


def encode(
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, a card's path, or file.py:Class.")],
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", metavar="NAME", help="A collection or group; repeat for more.")
    ],
    split: Split = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what it will cost, from a few texts; store nothing.")
    ] = False,
    run_code: RunCode = False,
    json: Json = False,
    device: Device = None,
    dtype: Precision = None,
    batch_tokens: BatchTokens = None,
    threads: Threads = None,
    ray: Ray = None,
    shared: SharedStore = None,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Encode documents and queries ahead of a run.

    Vectors that are in the cache are not computed again.
    """
    from lapca_bench.experiment import encoding
    from lapca_bench.experiment.systems import SystemFactory, dense_system, refuse_foreign_code

    del allow_network  # its callback has thrown the switch
    set_volume(quiet, verbose)
    factory = SystemFactory.of([system], workspace_on(ray, shared, hardware_of(device, dtype, batch_tokens, threads)))

    def made(task: Task) -> DenseSystem:
        return dense_system(system, factory(system, task))

    if dry_run:
        if not run_code:
            refuse_foreign_code(system)
        _say_costs(encoding.costs(made, collection, split), as_json=json)
        return
    records = []
    for one in encoding.encode(made, collection, split, factory.workspace):
        records.append(
            {
                "collection": one.collection,
                "encoded": one.encoded,
                "reused": one.reused,
                "seconds": one.seconds,
                "bytes": one.size,
            }
        )
        if not json:
            done = f"encoded {one.encoded} texts in {one.seconds:.1f} s, reused {one.reused}"
            say(f"{one.collection}: {done}; {size(one.size)}")
    if json:
        say_json(records)


def _say_costs(costs: Mapping[str, EncodingCost], *, as_json: bool) -> None:
    if as_json:
        say_json([{"collection": name, **cost_record(cost)} for name, cost in costs.items()])
        return
    say_columns(("collection", *COST_HEADS), [(name, *cost_cells(cost)) for name, cost in costs.items()])
