"""One training step with cached gradients: ours against sentence-transformers' cached ranking loss."""

from __future__ import annotations

import sys
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.encode import CARD, forward_work, our_encoder, sentence_transformer
from benchmarks.measuring import MIB, run_process, take_turns, torch_profile
from benchmarks.results import Row
from benchmarks.texts import passages

PACKAGES = ("torch", "transformers", "sentence-transformers")
LENGTH = 64
CHUNK = 32
ROUNDS = 5
FORWARD = 4  # passes that a cached step costs: forward without and with a graph, and backward, which is worth two


def run(small: bool) -> list[Row]:
    """Both embed the same pairs in chunks of the same size, take the same kind of loss, and leave gradients behind.

    The first round warms both up; the median does not see it.
    """
    pairs = 16 if small else 256
    contestants = {"ours": our_step(pairs), "sentence-transformers": their_step(pairs)}
    rates: list[float] = []

    def multiply(_: int) -> None:
        rates.append(machine.multiply_rate()["torch"])

    turns = take_turns({**contestants, "sgemm": multiply}, ROUNDS)
    few = our_step(min(pairs, CHUNK))
    few(0)
    peaks = {
        name: run_process([sys.executable, "-m", "benchmarks.training", name, str(pairs)])[1] for name in contestants
    }
    work = step_work(pairs)
    shares = {
        name: median(work / seconds / rate for seconds, rate in zip(turns.seconds[name], rates, strict=True))
        for name in contestants
    }
    theirs = shares["sentence-transformers"]
    return [
        Row(
            f"training step, {pairs} pairs × {LENGTH} tokens, gradients cached in chunks of {CHUNK}, all weights",
            f"{turns.median('ours'):.1f} s, {peaks['ours'] / MIB:,.0f} MiB",
            f"sentence-transformers CachedMultipleNegativesRankingLoss: {turns.median('sentence-transformers'):.1f} s, "
            f"{peaks['sentence-transformers'] / MIB:,.0f} MiB",
            turns.ratio("sentence-transformers"),
            1.2,
            f"peak memory {peaks['ours'] / peaks['sentence-transformers']:.2f} of theirs (a process each)",
            note=torch_profile(lambda: few(0)),
            raw={"seconds": turns.seconds, "peak bytes": peaks},
        ),
        Row(
            f"share of torch's own sgemm rate reached by that step ({FORWARD} forward passes' work of real tokens)",
            f"{work / turns.median('ours') / 1e9:.0f} GFLOP/s",
            f"sgemm {machine.SIDE}³ in the same rounds: {median(rates) / 1e9:.0f}; sentence-transformers reaches "
            f"{theirs:.2f} of it",
            shares["ours"],
            None,
            f"1.2 times the peer's speed would be {1.2 * theirs:.2f} of the sgemm rate",
            raw={"flops": work, "sgemm": rates, "shares": shares},
        ),
    ]


def step_work(pairs: int) -> float:
    """Multiplications and additions of one step's passes through the model."""
    encoder = our_encoder()
    sides = zip(("query: ", "passage: "), texts_of(pairs), strict=True)
    lengths = encoder.tokenise([prompt + text for prompt, side in sides for text in side], LENGTH).lengths
    return FORWARD * forward_work(encoder, lengths)


def texts_of(pairs: int) -> tuple[list[str], list[str]]:
    """Beginnings of help pages, long enough to fill `LENGTH` tokens, as both sides of pairs."""
    texts = [document.text for document in passages(2 * pairs)]
    return texts[:pairs], texts[pairs:]


def our_step(pairs: int) -> Any:
    """`step(number)` of `lapca_bench.training`."""
    from lapca_bench.search.registry import find_card
    from lapca_bench.training.batch import Batch
    from lapca_bench.training.model.tower import TrainedTower
    from lapca_bench.training.recipe import Recipe
    from lapca_bench.training.step.processes import Processes
    from lapca_bench.training.step.step import Step

    settings = find_card(CARD).encoder
    recipe = Recipe.model_validate(
        {
            "name": "benchmark",
            "encoder": settings.model_dump() if settings is not None else {},
            "views": {"mask": 0.0},
            "objective": {"mlm": 0.0},
            "trained": {"dropout": False},
            "optimisation": {"batch": pairs, "chunk": CHUNK, "query_length": LENGTH, "passage_length": LENGTH},
        }
    )
    tower = TrainedTower(recipe.encoder, recipe.trained, language_model=False, seed=1)
    step = Step(tower, recipe, Processes())
    queries, targets = texts_of(pairs)
    names = tuple(str(number) for number in range(pairs))
    batch = Batch(names, tuple(queries), tuple(targets), ("",) * pairs)

    def backward(number: int) -> None:
        for parameter in tower.trained_parameters().values():
            parameter.grad = None
        step.backward(batch, number)

    return backward


def their_step(pairs: int) -> Any:
    """`step(number)` of sentence-transformers: loss, and its backward."""
    from sentence_transformers.losses import CachedMultipleNegativesRankingLoss

    model = sentence_transformer(our_encoder().folder)
    model.max_seq_length = LENGTH
    loss = CachedMultipleNegativesRankingLoss(model, mini_batch_size=CHUNK)
    sides = [
        [prompt + text for text in side] for prompt, side in zip(("query: ", "passage: "), texts_of(pairs), strict=True)
    ]
    labels = np.arange(pairs)

    def backward(_: int) -> None:
        model.zero_grad(set_to_none=True)
        features = [model.tokenize(side) for side in sides]
        loss(features, labels).backward()

    return backward


def main() -> None:
    """A step of one contestant alone, for the memory of it."""
    name, pairs = sys.argv[1], int(sys.argv[2])
    step = {"ours": our_step, "sentence-transformers": their_step}[name](pairs)
    step(0)


if __name__ == "__main__":
    main()
