"""What training will cost: one step is tried, forwards and backwards, and nothing moves or is written."""

from __future__ import annotations

import time

from lapca_bench.training.loop import Training
from lapca_bench.training.step.step import Step


def tried(training: Training, steps: int) -> str:
    """Tokens and time of `steps` steps like the first, in words."""
    if steps == 0:
        return "nothing left to do"
    recipe, batch = training.recipe, training.source.batch(0)
    tower = training.start()
    texts = tower.tokenise(batch.queries, "query", recipe.optimisation.query_length)
    texts += tower.tokenise([*batch.passages, *batch.negatives], "passage", recipe.optimisation.passage_length)
    step = Step(tower, recipe, training.processes, training.start_model(tower))
    started = time.perf_counter()
    step.backward(batch, 0)
    seconds = time.perf_counter() - started
    tokens = sum(map(len, texts)) * steps
    return (
        f"about {tokens:,} tokens and {seconds * steps / 3600:.1f} h at {seconds:.1f} s a step, as one tried now took"
    )
