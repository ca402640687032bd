"""Pretraining as a verb: pairs from files, one process or those that `accelerate launch` started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from lapca_bench.training.evaluation import Evaluation
from lapca_bench.training.loop import Outcome, Training
from lapca_bench.training.pairs import AlignmentBatches, PairTable
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step import Processes


def processes() -> Processes:
    """This process among those of `accelerate launch`; alone where it was not used."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes()
    from accelerate import Accelerator

    accelerator = Accelerator()
    return Processes(
        accelerator.process_index,
        accelerator.num_processes,
        lambda tensor: accelerator.reduce(tensor, reduction="sum"),
    )


def pretrain_on(recipe: Recipe, pairs: Sequence[Path], out: Path) -> Outcome:
    """Train by the recipe on these files' pairs, from the newest checkpoint in `out` where there is one."""
    table = PairTable.read(pairs)
    optimisation = recipe.optimisation
    source = AlignmentBatches(
        table, recipe.pairs, recipe.views, recipe.objective, batch=optimisation.batch, seed=recipe.seed
    )
    files = [path.name for path in pairs]
    command = ["pretrain", "--recipe", recipe.name, "--seed", str(recipe.seed)]
    for name in files:
        command += ["--pairs", name]
    facts = {
        "pairs": len(table),
        "files": ", ".join(files),
        "command": f"`lapca-bench {shlex.join([*command, '--out', out.name])}`",
    }
    evaluate = Evaluation.of(recipe.evaluation)
    return Training(recipe, source, out, evaluate, facts, processes()).run()
