"""`lapca-bench plan`: what encoding and searching a corpus will cost, here or on several machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.options import RunCode
from lapca_bench.cli.output import Json, duration, say, say_columns, say_json, size

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan(
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, or a card's path.")],
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection", "-c", metavar="NAME", help="Collection or group with a published count; repeat for more."
        ),
    ] = None,
    documents: Annotated[int | None, typer.Option(min=1, help="Documents, for any other corpus.")] = None,
    words: Annotated[int, typer.Option(min=1, help="Words of a document (100: a passage of Wikipedia).")] = 100,
    queries: Annotated[int, typer.Option(min=1, help="Queries.")] = 2000,
    depth: Annotated[int, typer.Option(min=1, help="Documents per query.")] = 100,
    machines: Annotated[int, typer.Option(min=1, help="Machines like this one, as a Ray cluster.")] = 1,
    run_code: RunCode = False,
    json: Json = False,
) -> None:
    """Print what a corpus will cost in time and space.

    Time, disk and memory follow from rates that are measured now, on this machine, in about ten seconds. Documents of
    the measurement are made of the help's own probe sentences, cut to the number of words.
    """
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.estimate import corpus_costs
    from lapca_bench.experiment.systems import dense_system, refuse_foreign_code
    from lapca_bench.search.registry import build_system

    wanted = _sizes(collection or ())
    if documents is not None:
        wanted[f"{documents:,} documents"] = documents
    if not wanted:
        raise UsageError("nothing to plan", remedy="give --documents N, or --collection NAME such as mr-tydi/en")
    if not run_code:
        refuse_foreign_code(system)
    made = dense_system(system, build_system(system))
    found = corpus_costs(made, wanted, words=words, queries=queries, depth=depth, workers=machines)
    rates = found.rates
    if json:
        say_json({name: vars(one) for name, one in found.costs.items()} | {"rates": vars(rates)})
        return
    say(f"measured here: {rates.documents:.1f} documents/s of {words} words, {rates.operations / 1e9:.0f} GFLOP/s")
    say_columns(
        ("corpus", "documents", "encode", f"search {queries:,} queries", "disk", "resident"),
        [
            (
                name,
                f"{wanted[name]:,}",
                duration(one.encode_seconds),
                duration(one.search_seconds),
                size(one.disk_bytes),
                size(one.resident_bytes),
            )
            for name, one in found.costs.items()
        ],
    )


def _sizes(names: Sequence[str]) -> dict[str, int]:
    """By corpus its count of documents; one that several collections share counts once."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError

    sizes: dict[str, int] = {}
    for member in (member for name in names for member in registry.expand(name)):
        found = registry.expected_documents(member)
        if found is None:
            raise UsageError(f"how many documents {member} has is not published", remedy="give --documents N")
        sizes[found[0]] = found[1]
    return sizes
