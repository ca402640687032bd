"""`lapca-bench tune`: BM25's, a hybrid's or a fusion's parameters on a development split, written as a card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import Split
from lapca_bench.cli.output import Json, Quiet, Verbose, say, say_columns, say_json, set_volume


def tune(
    system: Annotated[
        str, typer.Option("--system", "-s", help="A system of kind bm25, fusion or ranx-fusion, or its card.")
    ],
    collection: Annotated[str, typer.Option("--collection", "-c", help="One collection.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="The card to write, such as bm25-tuned.toml.")],
    split: Split = None,
    measure: Annotated[str | None, typer.Option("--measure", "-m", help="Default: the collection's main one.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Tune a system on one split, to run on another.

    Writes the tuned system's card; run it with `run --system CARD`.
    """
    from dataclasses import asdict

    from lapca_bench.atomic import write_text
    from lapca_bench.collections import registry
    from lapca_bench.experiment.tuning import tune as tuned
    from lapca_bench.search.drafts.card_file import card_text
    from lapca_bench.search.registry import find_card

    set_volume(quiet, verbose)
    found = tuned(find_card(system), registry.load(collection, split), measure)
    write_text(output, card_text(found.card))
    if json:
        say_json({"trials": [asdict(trial) for trial in found.trials], "best": asdict(found.best)})
        return
    rows = [
        ("*" if trial is found.best else "", f"{100 * trial.mean:.2f}", str(trial.settings)) for trial in found.trials
    ]
    say_columns(("", "mean", "settings"), rows)
    say(f"card: {output}")
