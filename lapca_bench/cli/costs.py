"""How verbs show what a dry run found out: texts, tokens, bytes and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lapca_bench.cli.output import duration, size

if TYPE_CHECKING:
    from lapca_bench.experiment.encoding_cost import EncodingCost

COST_HEADS = ("stored", "to encode", "tokens", "to write", "about")


def cost_record(cost: EncodingCost) -> dict[str, Any]:
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
