"""`lapca-bench pretrain`: alignment pretraining by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.costs import training_time
from lapca_bench.cli.options import Changes
from lapca_bench.cli.output import Quiet, Verbose, log_into, say, set_volume


def pretrain(
    pairs: Annotated[list[Path], typer.Option("--pairs", "-p", help="Parquet files of `mine`; repeat for more.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoints; the same folder resumes.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or file.")] = "small",
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")] = None,
    change: Changes = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop after this step; run again to go on.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what it will cost, and train nothing.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train an encoder on aligned pairs.

    Prints the folder of the trained model.
    """
    from lapca_bench.training.pretrain import cost_of, pretrain_on
    from lapca_bench.training.recipe import load_recipe, named_changes

    given = named_changes(change or [], {"seed": seed, "optimisation.stop_after": stop_after})
    set_volume(quiet, verbose)
    made = load_recipe(recipe, **given)
    if dry_run:
        cost = cost_of(made, pairs, out)
        left = max(0, cost.last - cost.done)
        say(
            f"{cost.pairs} pairs; steps {cost.done + 1} to {cost.last}: {left} left, {cost.texts} texts; up to "
            f"{cost.checkpoints} checkpoints of {cost.checkpoint_size / 1e6:.0f} MB; {training_time(cost.time)}"
        )
        return
    log_into(out)
    outcome = pretrain_on(made, pairs, out, change or [])
    say(f"step {outcome.step}: {outcome.checkpoint}")
