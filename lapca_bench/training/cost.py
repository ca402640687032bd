"""What training will cost: one step is tried, forwards and backwards, and nothing moves or is written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lapca_bench.training.loop import Training
from lapca_bench.training.step.step import Step


@dataclass(frozen=True)
class TrainingTime:
    """Tokens and seconds of `steps` steps like the one that was tried, which took `seconds_per_step`."""

    steps: int
    tokens: int
    seconds_per_step: float

    @property
    def seconds(self) -> float:
        """Of all steps."""
        return self.steps * self.seconds_per_step


def tried(training: Training, steps: int) -> TrainingTime:
    """Tokens and time of `steps` steps like the first; nothing is tried where there is none."""
    if steps == 0:
        return TrainingTime(0, 0, 0.0)
    recipe, batch = training.recipe, training.source.batch(0)
    tower = training.start()
    texts = tower.tokenise(batch.queries, "query", recipe.optimisation.query_length)
    texts += tower.tokenise([*batch.passages, *batch.negatives], "passage", recipe.optimisation.passage_length)
    step = Step(tower, recipe, training.processes, training.start_model(tower))
    started = time.perf_counter()
    step.backward(batch, 0)
    return TrainingTime(steps, sum(map(len, texts)) * steps, time.perf_counter() - started)
