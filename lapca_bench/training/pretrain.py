"""Pretraining as a verb: pairs from files, one process or those that `accelerate launch` started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.training.batches.pair_table import PairTable
from lapca_bench.training.batches.pairs import AlignmentBatches
from lapca_bench.training.checkpoint import checkpoints
from lapca_bench.training.cost import TrainingTime, tried
from lapca_bench.training.evaluation import Looks
from lapca_bench.training.loop import KEPT_CHECKPOINTS, Evaluate, Training, TrainingOutcome
from lapca_bench.training.mining.report import corpus_of_pairs
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step.processes import Processes


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


@dataclass(frozen=True)
class PretrainingCost:
    """What a pretraining would still do: the steps after `done` up to `last`, and what they take.

    `texts` are those of all steps that are left; `checkpoints` are kept at most, each of `checkpoint_size` bytes.
    """

    pairs: int
    done: int
    last: int
    texts: int
    checkpoints: int
    checkpoint_size: int
    time: TrainingTime


def cost_of(recipe: Recipe, pairs: Sequence[Path], out: Path) -> PretrainingCost:
    """What `pretrain_on` would still do. Nothing is written.

    A checkpoint holds the weights twice (for use, and for going on) and two moments of every weight that moves.
    """
    table = PairTable.read(pairs)
    optimisation = recipe.optimisation
    last = min(optimisation.steps, optimisation.stop_after or optimisation.steps)
    found = checkpoints(out)
    done = int(found[-1].name.removeprefix("step-")) if found else 0
    left = max(0, last - done)
    weights = sum(path.stat().st_size for path in find(recipe.encoder.checkpoint).glob("*.safetensors"))
    return PretrainingCost(
        len(table),
        done,
        last,
        left * optimisation.batch * 2,
        KEPT_CHECKPOINTS + 1,
        weights * 4,
        tried(_training(recipe, table, out), left),
    )


def _training(
    recipe: Recipe,
    table: PairTable,
    out: Path,
    evaluate: Evaluate | None = None,
    facts: Mapping[str, object] | None = None,
) -> Training:
    source = AlignmentBatches(
        table,
        recipe.pairs,
        recipe.views,
        same_page=recipe.objective.same_page,
        pivot_language=recipe.objective.needs.pivot_language,
        batch=recipe.optimisation.batch,
        seed=recipe.seed,
    )
    return Training(recipe, source, out, evaluate, facts or {}, processes())


def pretrain_on(recipe: Recipe, pairs: Sequence[Path], out: Path, changes: Sequence[str] = ()) -> TrainingOutcome:
    """Train by the recipe on these files' pairs, from the newest checkpoint in `out` where there is one.

    `changes` are those that `--set` made in the recipe; the model card names them in its command.
    """
    table = PairTable.read(pairs)
    files = [path.name for path in pairs]
    command = ["pretrain", "--recipe", recipe.name, "--seed", str(recipe.seed)]
    for change in changes:
        command += ["--set", change]
    for name in files:
        command += ["--pairs", name]
    facts = {
        "pairs": len(table),
        "files": ", ".join(files),
        "corpora": ", ".join(sorted({corpus for path in pairs if (corpus := corpus_of_pairs(path))})),
        "command": f"`lapca-bench {shlex.join([*command, '--out', out.name])}`",
    }
    return _training(recipe, table, out, Looks.of(recipe.evaluation), facts).run()
