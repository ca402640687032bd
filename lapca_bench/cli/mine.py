"""`lapca-bench mine`: aligned pairs out of linked pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.options import Changes, Ray, SharedStore, workspace_on
from lapca_bench.cli.output import Quiet, Verbose, log_into, say, set_volume

if TYPE_CHECKING:
    from lapca_bench.training.mining.cost import MiningCost


def mine(
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file of pairs to write.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or file.")] = "small",
    corpus: Annotated[
        str,
        typer.Option(
            help="help-pages, package-descriptions, interface-texts, a folder of wikiextractor's files with "
            "langlinks.tsv, one of parallel files (xx-yy/), or a file of JSON lines."
        ),
    ] = "help-pages",
    method: Annotated[str | None, typer.Option(help="margin, lead or gold (default: the recipe's).")] = None,
    aligner: Annotated[str | None, typer.Option(help="The system that embeds blocks (default: the recipe's).")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, help="Smallest margin (default: the recipe's).")] = None,
    pages: Annotated[int | None, typer.Option(min=0, help="Linked pages to sample, 0 for all.")] = None,
    scope: Annotated[
        str | None, typer.Option(help="linked pages, or global: all of a language pair (default: the recipe's).")
    ] = None,
    search: Annotated[
        str | None, typer.Option(help="Of global: exact, or approximate with faiss (default: the recipe's).")
    ] = None,
    change: Changes = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what there is to mine; embed and write nothing.")
    ] = False,
    ray: Ray = None,
    shared: SharedStore = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Mine aligned blocks and write them with a report.

    Where the corpus has gold pairs, the report compares with them.
    """
    from lapca_bench.training.mining.cost import cost_of
    from lapca_bench.training.mining.mine import mine_to_file
    from lapca_bench.training.recipe import load_recipe, named_changes

    options = {
        "mining.method": method,
        "mining.aligner": aligner,
        "mining.threshold": threshold,
        "mining.pages": pages,
        "mining.scope": scope,
        "mining.search": search,
    }
    given = named_changes(change or [], options)
    set_volume(quiet, verbose)
    settings = load_recipe(recipe, **given).mining
    if dry_run:
        say(_in_words(cost_of(settings, corpus)))
        return
    log_into(out.parent)
    mined = mine_to_file(settings, corpus, out, workspace_on(ray, shared))
    say(f"{mined.pairs} pairs of {mined.language_pairs} language pairs: {mined.path}")


def _in_words(cost: MiningCost) -> str:
    total, shown = sum(cost.blocks.values()), ", ".join(f"{language} {n}" for language, n in cost.blocks.items())
    pages, blocks = f"{cost.groups} linked pages; {total} blocks", f"({shown or 'none'})"
    if cost.aligner is None:
        return f"{pages} and nothing to embed {blocks}"
    return f"{pages} to embed with {cost.aligner} {blocks}; {_time(cost)}"


def _time(cost: MiningCost) -> str:
    if cost.missing:
        return f"how long is not known: {cost.missing}"
    if cost.rate is None:
        return "nothing to embed"
    minutes = cost.characters / cost.rate / 60
    return f"about {minutes:.1f} min at {cost.rate:,.0f} characters/s, measured now, less what is stored"
