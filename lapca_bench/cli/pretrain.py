"""`lapca-bench pretrain`: alignment pretraining by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.costs import training_time
from lapca_bench.cli.options import Changes
from lapca_bench.cli.output import Quiet, Verbose, log_into, say, set_volume

if TYPE_CHECKING:
    from lapca_bench.training.recipe import Recipe


def pretrain(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoints; the same folder resumes.")],
    pairs: Annotated[
        list[Path] | None, typer.Option("--pairs", "-p", help="Parquet files of `mine`; repeat for more.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", "-t", help="Folder of the corpora that the recipe's [paragraphs] names.")
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or file.")] = "small",
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")] = None,
    change: Changes = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop after this step; run again to go on.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what it will cost, and train nothing.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train an encoder on aligned pairs, or on paragraphs.

    Paragraphs are those whose sentences are found inside them. Prints the folder of the trained model.
    """
    from lapca_bench.errors import UsageError
    from lapca_bench.training.recipe import load_recipe, named_changes

    given = named_changes(change or [], {"seed": seed, "optimisation.stop_after": stop_after})
    set_volume(quiet, verbose)
    made = load_recipe(recipe, **given)
    if texts is not None and not pairs:
        _on_texts(made, texts, out, change or [], dry_run=dry_run)
    elif pairs and texts is None:
        _on_pairs(made, pairs, out, change or [], dry_run=dry_run)
    else:
        raise UsageError("give either pairs or texts to train on", remedy="--pairs FILE of `mine`, or --texts FOLDER")


def _on_pairs(recipe: Recipe, pairs: list[Path], out: Path, changes: list[str], *, dry_run: bool) -> None:
    from lapca_bench.training.pretrain import cost_of, pretrain_on

    if dry_run:
        cost = cost_of(recipe, pairs, out)
        left = max(0, cost.last - cost.done)
        say(
            f"{cost.pairs} pairs; steps {cost.done + 1} to {cost.last}: {left} left, {cost.texts} texts; up to "
            f"{cost.checkpoints} checkpoints of {cost.checkpoint_size / 1e6:.0f} MB; {training_time(cost.time)}"
        )
        return
    log_into(out)
    outcome = pretrain_on(recipe, pairs, out, changes)
    say(f"step {outcome.step}: {outcome.checkpoint}")


def _on_texts(recipe: Recipe, texts: Path, out: Path, changes: list[str], *, dry_run: bool) -> None:
    from lapca_bench.training.paragraphs import time_of, train_on

    if dry_run:
        time = time_of(recipe, texts, out)
        say(f"{time.steps} steps left; {training_time(time)}")
        return
    log_into(out)
    outcome = train_on(recipe, texts, out, changes)
    say(f"step {outcome.step}: {outcome.checkpoint}")
