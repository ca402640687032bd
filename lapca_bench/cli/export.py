"""`lapca-bench export`: stored results as TREC files, so that other evaluators can check them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import Depth, Split
from lapca_bench.cli.output import say, tell
from lapca_bench.paths import DEFAULT_RESULTS


def export(
    collection: Annotated[str, typer.Option("--collection", "-c", help="A collection or group, as given to `run`.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    system: Annotated[
        list[str] | None, typer.Option("--system", "-s", metavar="NAME", help="Only these systems; repeat for more.")
    ] = None,
    results: Annotated[Path, typer.Option("--results", help="Folder of stored results.")] = DEFAULT_RESULTS,
    split: Split = None,
    depth: Depth = None,
) -> None:
    """Write stored runs, and their judgements, as TREC files.

    Each collection becomes a folder with qrels.txt and one SYSTEM.run per system: what trec_eval reads.
    """
    from lapca_bench.collections import registry
    from lapca_bench.experiment.export import export_qrels
    from lapca_bench.experiment.selection import select
    from lapca_bench.report.writers import file_name
    from lapca_bench.store.kept import KeptResult
    from lapca_bench.store.runs import write_trec

    card_of = {registry.card(collection).name: collection} if collection.endswith(".toml") else {}
    judged: set[str] = set()
    chosen = select(results, collection, system or (), split, depth).results
    for name in dict.fromkeys(result.collection for result in chosen):
        _refuse_unknown(card_of.get(name, name))
    for result in chosen:
        name = result.collection
        if isinstance(result, KeptResult):
            tell(f"{result.system} on {name}: the first documents are kept without scores; those written fall by one")
        folder = output / file_name(name)
        write_trec(result.run, folder / f"{file_name(result.system)}.run")
        say(str(folder / f"{file_name(result.system)}.run"))
        if name not in judged:
            judged.add(name)
            export_qrels(registry.load(card_of.get(name, name), result.split), folder / "qrels.txt")
            say(str(folder / "qrels.txt"))


def _refuse_unknown(name: str) -> None:
    """Raise `UsageError` where results name a collection of one's own, whose judgements only its card leads to."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError

    try:
        registry.card(name)
    except UsageError as error:
        remedy = "give the path of its card (my-collection.toml) as --collection"
        raise UsageError(f"the judgements of {name} are not known here", remedy=remedy) from error
