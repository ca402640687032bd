"""How verbs show what a dry run found out: texts, tokens, bytes and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapca_bench.cli.output import duration, size

if TYPE_CHECKING:
    from lapca_bench.experiment.encoding_cost import EncodingCost
    from lapca_bench.training.cost import TrainingTime

COST_HEADS = ("stored", "to encode", "tokens", "to write", "about")


def cost_record(cost: EncodingCost) -> dict[str, float | None]:
    """A cost as JSON values."""
    return {
        "stored": cost.stored,
        "to encode": cost.missing,
        "tokens": cost.tokens,
        "bytes": cost.size,
        "seconds": round(cost.seconds, 1),
    }


def cost_cells(cost: EncodingCost) -> tuple[str, ...]:
    """The same as cells of a row, under `COST_HEADS`."""
    tokens = "?" if cost.tokens is None else f"{cost.tokens:,}"
    return f"{cost.stored:,}", f"{cost.missing:,}", tokens, size(cost.size), duration(cost.seconds)


def training_time(time: TrainingTime) -> str:
    """Tokens and time of the steps that are left."""
    if not time.steps:
        return "nothing left to do"
    per_step = f"{time.seconds_per_step:.1f} s a step, as one tried now took"
    return f"about {time.tokens:,} tokens and {time.seconds / 3600:.1f} h at {per_step}"
