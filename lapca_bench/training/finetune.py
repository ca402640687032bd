"""Fine-tuning as a verb: questions from files, then rounds of training on negatives that the round before found.

Round 0 trains on the files' own negatives in `out/round-0`. Each further round starts from the start model again and
trains on what the model of the round before ranks high without an answer in it (as DPR's second training and ANCE do).
Everything is kept in `out`, so a killed run goes on: checkpoints, mined negatives, the vectors of a mining.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lapca_bench.collections.formats.dpr import passages as dpr_passages
from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import UsageError
from lapca_bench.store.vectors import VectorStore
from lapca_bench.training.batches.question_batches import QuestionBatches
from lapca_bench.training.batches.questions import AnsweredQuestion, read_questions
from lapca_bench.training.batches.self_mined import mine_negatives, passages_of, read_negatives, write_negatives
from lapca_bench.training.cost import TrainingTime, tried
from lapca_bench.training.evaluation import Looks
from lapca_bench.training.loop import Training, TrainingOutcome
from lapca_bench.training.pretrain import processes
from lapca_bench.training.recipe import Recipe, start_at
from lapca_bench.types import Document


def finetune_on(recipe: Recipe, files: Sequence[Path], out: Path, passages: Path | None = None) -> TrainingOutcome:
    """All rounds of the recipe; `passages` (DPR's TSV) is what negatives are mined from, else the files' passages."""
    questions = read_questions(files)
    scorer = _scorer(recipe)
    mined: dict[str, list[Document]] | None = None
    outcome: TrainingOutcome | None = None
    for number in range(recipe.questions.rounds + 1):
        folder = out / f"round-{number}"
        if outcome is not None:
            mined = _negatives(folder, recipe, outcome, questions, passages)
        training = _training(recipe, questions, folder, _facts(recipe, files, out, number, mined), mined, scorer)
        outcome = replace(training, evaluate=Looks.of(recipe.evaluation)).run()
        if outcome.step == recipe.optimisation.stop_after:
            break
    if outcome is None:
        raise UsageError("no round to train", key="questions.rounds", remedy="0 or more")
    return outcome


@dataclass(frozen=True)
class FinetuningCost:
    """What a fine-tuning takes in all its rounds.

    After each round but the last, `passages` are encoded for negatives (None: those of a file that is not counted).
    """

    questions: int
    rounds: int
    passages: int | None
    time: TrainingTime


def cost_of(recipe: Recipe, files: Sequence[Path], out: Path, passages: Path | None = None) -> FinetuningCost:
    """What `finetune_on` would do. Nothing is written."""
    questions = read_questions(files)
    training = _training(recipe, questions, out, {}, None, _scorer(recipe))
    rounds, optimisation = recipe.questions.rounds + 1, training.recipe.optimisation
    steps = min(optimisation.steps, optimisation.stop_after or optimisation.steps) * rounds
    own = None if passages else sum(1 for _ in passages_of(questions))
    return FinetuningCost(len(questions), rounds, own, tried(training, steps))


def _training(
    recipe: Recipe,
    questions: Sequence[AnsweredQuestion],
    folder: Path,
    facts: dict[str, object],
    mined: dict[str, list[Document]] | None,
    scorer: Encoder | None,
) -> Training:
    source = QuestionBatches(
        questions,
        recipe.questions,
        batch=recipe.optimisation.batch,
        seed=recipe.seed,
        separator=recipe.encoder.title_separator,
        mined=mined,
        scorer=scorer,
    )
    if recipe.questions.epochs:
        steps = recipe.questions.epochs * source.steps_per_epoch
        recipe = recipe.model_copy(update={"optimisation": recipe.optimisation.model_copy(update={"steps": steps})})
    return Training(recipe, source, folder, facts=facts, processes=processes())


def _negatives(
    folder: Path, recipe: Recipe, before: TrainingOutcome, questions: Sequence[AnsweredQuestion], passages: Path | None
) -> dict[str, list[Document]]:
    path = folder / "negatives.jsonl"
    if not path.is_file():

        def pool() -> Iterable[Document]:
            return passages_of(questions) if passages is None else dpr_passages(passages, "")

        encoder = build(trained_encoder(recipe, before.checkpoint), recipe.name)
        store = VectorStore(folder / "vectors")
        write_negatives(path, mine_negatives(questions, pool, encoder, store, recipe.questions.depth))
    return read_negatives(path)


def trained_encoder(recipe: Recipe, checkpoint: Path) -> TransformerSettings:
    """The recipe's encoder with a checkpoint's weights, at the lengths it was trained with."""
    lengths = recipe.optimisation
    changes = {"query_max_length": lengths.query_length, "document_max_length": lengths.passage_length}
    return start_at(recipe.encoder, checkpoint).model_copy(update=changes)


def _scorer(recipe: Recipe) -> Encoder | None:
    """The encoder of the system whose scores are distilled, where the objective names one as its teacher."""
    if recipe.objective.teacher is None:
        return None
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.search.registry import Workspace, build_system

    name = recipe.objective.teacher
    system = build_system(name, Workspace())
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{name} is no dense system", key="objective.teacher", remedy="name a dense system")
    return system.encoder


def _facts(
    recipe: Recipe, files: Sequence[Path], out: Path, number: int, mined: dict[str, list[Document]] | None
) -> dict[str, object]:
    command = ["finetune", "--recipe", recipe.name, "--seed", str(recipe.seed)]
    for path in files:
        command += ["--questions", path.name]
    facts: dict[str, object] = {
        "files": ", ".join(path.name for path in files),
        "command": f"`lapca-bench {shlex.join([*command, '--out', out.name])}`",
        "round": number,
    }
    if mined is not None:
        facts["mined negatives"] = sum(map(len, mined.values()))
    return facts
