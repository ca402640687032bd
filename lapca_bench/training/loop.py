"""The training loop: AdamW with warm-up and linear decay, clipping, evaluation, exact resume, one or more processes.

Every random number is a function of the recipe's seed and the step, and the state beside each checkpoint holds all
weights that move with their moments: a run that is killed at any step and resumed ends with the same weights.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.errors import LapcaError
from lapca_bench.progress import progress as progress_bar
from lapca_bench.training.batch import Batch, BatchSource
from lapca_bench.training.checkpoint import prune, resume, save_checkpoint
from lapca_bench.training.hard_negatives import MinedNegatives
from lapca_bench.training.held_out import held_out_accuracy
from lapca_bench.training.history import TrainingProgress
from lapca_bench.training.model.tower import TrainedTower, frozen_start
from lapca_bench.training.model.tower_encoder import TowerEncoder
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step.processes import Processes
from lapca_bench.training.step.step import Step

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

log = logging.getLogger(__name__)

Evaluate = Callable[[TowerEncoder], Mapping[str, float]]
KEPT_CHECKPOINTS = 2


class TrainingError(LapcaError):
    """Training went wrong and stopped; the last checkpoint on disk is good."""


@dataclass(frozen=True)
class TrainingOutcome:
    """How a training ended: the last step, the checkpoint to use, and everything measured on the way."""

    step: int
    checkpoint: Path
    progress: TrainingProgress


def rate(step: int, steps: int, warmup: float, peak: float) -> float:
    """Learning rate of a step (from 0): linear to `peak` over `warmup`·`steps` steps, then linear to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * max(0.0, (steps - step) / max(1, steps - rising))


@dataclass
class Training:
    """One training: a recipe, a source of batches, a folder for checkpoints, and what to look at on the way.

    `evaluate` is called with the encoder of the moment besides the held-out accuracy; its first value decides which
    checkpoint is best. `facts` go into the model card. `processes` share the work of each batch.
    """

    recipe: Recipe
    source: BatchSource
    folder: Path
    evaluate: Evaluate | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)

    def run(self) -> TrainingOutcome:
        """Train from the newest checkpoint (or the start) to the recipe's last step.

        Raises `TrainingError` for a loss that is not finite, naming the batch; the last good checkpoint stays.
        """
        import torch

        recipe, optimisation = self.recipe, self.recipe.optimisation
        tower = self.start()
        parameters = list(tower.trained_parameters().values())
        optimiser = torch.optim.AdamW(parameters, lr=0.0, weight_decay=optimisation.weight_decay)
        done = resume(self.folder, tower, optimiser, recipe)
        step = Step(tower, recipe, self.processes, self.start_model(tower))
        last = min(optimisation.steps, optimisation.stop_after or optimisation.steps)
        log.info("train by %s from step %d to %d in %s", recipe.name, done.step, last, self.folder)
        negatives = MinedNegatives(recipe.objective, self.source)
        written: Path | None = None
        if done.step == 0:
            self._look(tower, done)
        with progress_bar("training", last - done.step, "step") as bar:
            while done.step < last and not self._out_of_patience(done):
                batch = negatives.added(self.source.batch(done.step), self._encoder(tower, done.step), done.step)
                loss = self._moved(step, batch, done.step, optimiser, parameters)
                done.step += 1
                done.history.append({"step": done.step, "loss": round(loss, 6)})
                looks = done.step % recipe.evaluation.every == 0 or done.step == last
                if looks:
                    self._look(tower, done)
                if self.processes.rank == 0 and (looks or done.step % recipe.evaluation.save_every == 0):
                    written = save_checkpoint(self.folder, tower, optimiser, done, recipe, self.facts)
                    log.info("step %d: loss %.4f, saved as %s", done.step, loss, written)
                    prune(self.folder, KEPT_CHECKPOINTS, done.best_step)
                bar.advance()
        return TrainingOutcome(done.step, self._chosen(done, written), done)

    def _moved(
        self, step: Step, batch: Batch, number: int, optimiser: Optimizer, parameters: list[nn.Parameter]
    ) -> float:
        """Move the weights by one batch; returns its loss. Raises `TrainingError` where it is not finite."""
        optimisation = self.recipe.optimisation
        loss = step.backward(batch, number)
        norm = self._share_gradients(parameters)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise self._not_finite(loss, batch, number)
        for group in optimiser.param_groups:
            group["lr"] = rate(number, optimisation.steps, optimisation.warmup, optimisation.learning_rate)
        optimiser.step()
        optimiser.zero_grad()
        log.debug("step %d: loss %.4f, gradient norm %.4f", number + 1, loss, norm)
        return loss

    def start(self) -> TrainedTower:
        """The model as it is before the first step, with the heads that the objective needs."""
        recipe, needs = self.recipe, self.recipe.objective.needs
        heads = {"language_model": needs.language_model, "grader": needs.grader}
        return TrainedTower(recipe.encoder, recipe.trained, **heads, seed=recipe.seed)

    def start_model(self, tower: TrainedTower) -> nn.Module | None:
        """The frozen start model where the objective needs it."""
        if not self.recipe.objective.needs.start_model:
            return None
        return frozen_start(tower.settings, tower.device)

    def _encoder(self, tower: TrainedTower, step: int) -> TowerEncoder:
        lengths = self.recipe.optimisation
        name = f"{self.recipe.name}@{step}"
        return TowerEncoder(tower, name, query_length=lengths.query_length, passage_length=lengths.passage_length)

    def _share_gradients(self, parameters: list[nn.Parameter]) -> float:
        """Sum gradients over processes, clip them, and return their norm before clipping."""
        import torch

        if self.processes.count > 1:
            for parameter in parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                parameter.grad.copy_(self.processes.add_up(parameter.grad))
        norm: Tensor = torch.nn.utils.clip_grad_norm_(parameters, self.recipe.optimisation.clip)
        return float(norm)

    def _look(self, tower: TrainedTower, done: TrainingProgress) -> None:
        encoder = self._encoder(tower, done.step)
        values: dict[str, float] = dict(self.evaluate(encoder)) if self.evaluate is not None else {}
        accuracy = self._held_out_accuracy(encoder)
        if not math.isnan(accuracy):
            values["held-out accuracy"] = accuracy
        if not values:
            return
        done.history.append({"step": done.step, "evaluation": values})
        log.info("step %d: %s", done.step, ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
        first = next(iter(values.values()))
        if done.best_value is None or first > done.best_value:
            done.best_value, done.best_step, done.since_best = first, done.step, 0
        else:
            done.since_best += 1

    def _held_out_accuracy(self, encoder: TowerEncoder) -> float:
        """Over the source's held-out pairs, an equal text being as right as a query's own; NaN without pairs."""
        pairs = self.source.held_out()
        if not pairs.queries:
            return math.nan
        texts = np.array(pairs.passages, dtype=np.object_)
        queries, passages = encoder.encode(pairs.queries, "query"), encoder.encode(pairs.passages, "passage")
        return held_out_accuracy(queries, passages, texts, texts)

    def _out_of_patience(self, done: TrainingProgress) -> bool:
        return 0 < self.recipe.evaluation.patience <= done.since_best

    def _not_finite(self, loss: float, batch: Batch, step: int) -> TrainingError:
        pairs = "; ".join(batch.names[:3]) + (f"; and {len(batch.names) - 3} more" if len(batch.names) > 3 else "")
        return TrainingError(
            f"the loss of step {step + 1} is {loss} or its gradient is not finite; the batch held: {pairs}",
            path=self.folder,
            remedy="the last checkpoint is good; lower the learning rate, or use precision fp32, and run again",
        )

    def _chosen(self, done: TrainingProgress, written: Path | None) -> Path:
        best = self.folder / f"step-{done.best_step:07d}"
        if self.recipe.evaluation.select == "best" and best.is_dir():
            return best
        return written or self.folder / f"step-{done.step:07d}"
