"""`lapca-bench ablate`: train variants of a recipe and compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import PairedTest, Test
from lapca_bench.cli.output import say


def ablate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of pairs and scores; the same one goes on.")],
    plan: Annotated[str, typer.Option("--plan", "-p", help="A plan's name or file.")] = "small",
    finished: Annotated[
        bool, typer.Option("--finished", help="Compare the variants that are finished; train nothing.")
    ] = False,
    test: Test = PairedTest.t,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be trained; train nothing.")] = False,
) -> None:
    """Train variants of a recipe and compare them.

    Prints how each variant of the plan differs from the first, with intervals; the rows are written to
    OUT/ablations.csv too.
    """
    from lapca_bench.report.ablation import markdown, rows, write_rows
    from lapca_bench.training.ablation import cost_of, finished_part, load_plan, run_plan

    chosen = load_plan(plan)
    if dry_run:
        cost = cost_of(chosen, out)
        say(
            f"{cost.left} of {cost.trainings} trainings left: {cost.steps} steps, {cost.texts} texts; "
            f"{cost.files_left} of {cost.files} files of pairs to mine"
        )
        return
    scores = run_plan(finished_part(chosen, out) if finished else chosen, out)
    found = list(rows(scores, chosen.variants[0].name, test.value))
    write_rows(found, out)
    say(markdown(found))
