"""`lapca-bench finetune`: train on questions and their passages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.costs import training_time
from lapca_bench.cli.options import Changes
from lapca_bench.cli.output import Verbose, log_into, say, set_volume


def finetune(
    questions: Annotated[
        list[Path],
        typer.Option("--questions", "-q", help="DPR, XOR-TyDi (gold paragraphs), Mr. TyDi, or JSON lines; repeat."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of rounds and checkpoints; the same one resumes.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or file.")] = "stage-a",
    start: Annotated[Path | None, typer.Option(help="Start from this checkpoint, not the recipe's.")] = None,
    passages: Annotated[
        Path | None, typer.Option(help="DPR's TSV of passages to mine negatives from (default: the questions' own).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")] = None,
    change: Changes = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop each round after this step.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what it will cost, and train nothing.")] = False,
    verbose: Verbose = False,
) -> None:
    """Fine-tune an encoder on questions.

    In rounds with self-mined negatives where the recipe wants them. Prints the folder of the trained model.
    """
    from lapca_bench.training.finetune import cost_of, finetune_on
    from lapca_bench.training.recipe import load_recipe, named_changes, start_at

    given = named_changes(change or [], {"seed": seed, "optimisation.stop_after": stop_after})
    set_volume(quiet=False, verbose=verbose)
    made = load_recipe(recipe, **given)
    if start is not None:
        made = made.model_copy(update={"encoder": start_at(made.encoder, start)})
    if dry_run:
        cost = cost_of(made, questions, out, passages)
        pool = f"the passages of {passages}" if cost.passages is None else f"{cost.passages} passages"
        mined = f"; after each but the last, {pool} to encode for its negatives" if cost.rounds > 1 else ""
        steps = f"{cost.rounds} rounds, {cost.time.steps} steps in all{mined}"
        say(f"{cost.questions} questions; {steps}; {training_time(cost.time)}")
        return
    log_into(out)
    outcome = finetune_on(made, questions, out, passages)
    say(f"step {outcome.step}: {outcome.checkpoint}")
