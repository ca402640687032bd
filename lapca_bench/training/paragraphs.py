"""Training on paragraphs as a verb: questions and parallel text from folders, without what is near to XQuAD."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from lapca_bench.collections.question_sets.asked import AskedParagraph, read_question_set
from lapca_bench.errors import UsageError
from lapca_bench.training.batches.asked_paragraphs import AskedParagraphs
from lapca_bench.training.batches.paragraph_batches import ParagraphBatches
from lapca_bench.training.batches.parallel_paragraphs import ParallelParagraphs
from lapca_bench.training.checkpoint import checkpoints
from lapca_bench.training.cost import TrainingTime, tried
from lapca_bench.training.evaluation import Looks
from lapca_bench.training.loop import Training, TrainingOutcome
from lapca_bench.training.pretrain import processes
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.text.parallel_documents import ParallelDocument, parallel_documents

# Paragraphs and units that `lapca_bench.training.contamination` found too near to XQuAD, and the articles about its
# topics: columns corpus, id.
NEAR_XQUAD = "near_xquad.csv"
SAME_TOPIC = frozenset({"アポロ計画"})


def train_on(recipe: Recipe, folder: Path, out: Path, changes: Sequence[str] = ()) -> TrainingOutcome:
    """Train on the corpora in `folder` that the recipe's `[paragraphs]` names, from the newest checkpoint in `out`.

    `changes` are those that `--set` made in the recipe; the model card names them in its command.
    """
    settings = recipe.paragraphs
    command = ["pretrain", "--recipe", recipe.name, "--seed", str(recipe.seed)]
    for change in changes:
        command += ["--set", change]
    corpora = ", ".join(sorted([*settings.questions, *settings.parallel]))
    facts = {
        "corpora": corpora,
        "left out": f"what is near to XQuAD: {len(_near())} paragraphs or units",
        "command": f"`lapca-bench {shlex.join([*command, '--texts', folder.name, '--out', out.name])}`",
    }
    source = batches(recipe, folder)
    return Training(recipe, source, out, Looks.of(recipe.evaluation), facts, processes()).run()


def time_of(recipe: Recipe, folder: Path, out: Path) -> TrainingTime:
    """Tokens and time of the steps that `train_on` would still do; nothing is written."""
    optimisation, found = recipe.optimisation, checkpoints(out)
    last = min(optimisation.steps, optimisation.stop_after or optimisation.steps)
    done = int(found[-1].name.removeprefix("step-")) if found else 0
    return tried(Training(recipe, batches(recipe, folder), out, processes=processes()), max(0, last - done))


def batches(recipe: Recipe, folder: Path) -> ParagraphBatches:
    """What the recipe trains on; raises `UsageError` for a recipe that names neither questions nor parallel text."""
    settings, pivot = recipe.paragraphs, recipe.objective.needs.pivot_language
    if not (settings.questions or settings.parallel):
        remedy = "name corpora in [paragraphs], or train on --pairs"
        raise UsageError(f"the recipe {recipe.name} names no paragraphs", key="paragraphs", remedy=remedy)
    return ParagraphBatches(
        AskedParagraphs(_questions(settings.questions, folder), settings) if settings.questions else None,
        ParallelParagraphs(_parallel(settings.parallel, folder), settings, pivot) if settings.parallel else None,
        settings,
        batch=recipe.optimisation.batch,
        seed=recipe.seed,
        pivots=pivot is not None,
    )


def _questions(names: Iterable[str], folder: Path) -> list[AskedParagraph]:
    """Those that are neither kept for evaluation nor near to XQuAD."""
    near = _near()
    return [
        one
        for name in names
        for one in read_question_set(_place(name, folder))
        if not one.held_out and one.title not in SAME_TOPIC and (name, one.id) not in near
    ]


def _parallel(names: Mapping[str, float], folder: Path) -> dict[str, list[ParallelDocument]]:
    """The same of parallel text, unit by unit."""
    near = _near()
    found: dict[str, list[ParallelDocument]] = {}
    for name in names:
        for one in parallel_documents(name, _place(name, folder)):
            kept = [place for place, unit in enumerate(one.ids) if (name, f"{one.name}#{unit}") not in near]
            units, ids = tuple(one.units[n] for n in kept), tuple(one.ids[n] for n in kept)
            if units:
                found.setdefault(name, []).append(replace(one, units=units, ids=ids))
    return found


def _place(name: str, folder: Path) -> Path:
    """Where a corpus lies: in the folder, or in its `training`, as in the project's data."""
    inner = folder / "training" / name
    return inner if inner.is_dir() else folder / name


def _near() -> frozenset[tuple[str, str]]:
    with (files("lapca_bench.training") / NEAR_XQUAD).open(encoding="utf-8") as file:
        return frozenset((row["corpus"], row["id"]) for row in csv.DictReader(file))
