"""`lapca-bench search`: one system on one collection, written as a run file and not scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import (
    AllowNetwork,
    BatchTokens,
    Depth,
    Device,
    Precision,
    Ray,
    Split,
    Threads,
    hardware_of,
    workspace_on,
)
from lapca_bench.cli.output import Quiet, Verbose, say, set_volume, tell


def search(
    system: Annotated[str, typer.Option("--system", "-s", help="A system, a card's path, or file.py:Class.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="One collection.")],
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run file: TREC text (.gz, .bz2, .xz and .zst too), or .parquet.")
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", help="Search for this text instead, and print what is found.")
    ] = None,
    split: Split = None,
    depth: Depth = None,
    device: Device = None,
    dtype: Precision = None,
    batch_tokens: BatchTokens = None,
    threads: Threads = None,
    ray: Ray = None,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Search with one system, into a run file or to the screen.

    All queries of a collection make a run file; one query of yours (--query) is answered on the screen.
    """
    from lapca_bench.collections import registry
    from lapca_bench.collections.base import document_texts
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.store.runs import write_parquet, write_trec
    from lapca_bench.types import Query

    del allow_network  # its callback has thrown the switch
    set_volume(quiet, verbose)
    factory = SystemFactory.of([system], workspace_on(ray, hardware=hardware_of(device, dtype, batch_tokens, threads)))
    loaded = registry.load(collection, split)
    made = factory(system, loaded.card.policy.task)
    if query is not None:
        run = made.search(loaded, [Query("query", query)], depth or 10)
        ranking = run.ranking("query")
        texts = document_texts(loaded, [document for document, _ in ranking])
        for rank, (document, score) in enumerate(ranking, start=1):
            say(f"{rank:3}  {score:9.4f}  {document}  {texts[document].content()[:100]!r}")
        return
    if output is None:
        raise UsageError("nothing to do", remedy="give --out FILE (all queries of the collection) or --query TEXT")
    run = made.search(loaded, loaded.queries(), depth or loaded.card.policy.depth).renamed(made.name)
    (write_parquet if output.suffix == ".parquet" else write_trec)(run, output)
    encoded = run.notes.get("encoded", 0)
    tell(f"wrote {output}: {len(run.queries)} queries, {len(run)} results; encoded {encoded} texts")
