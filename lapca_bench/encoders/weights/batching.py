"""Length-sorted batches under a token budget, with results in input order.

Sorting brings texts of one length together, so that almost no padding is computed; a budget of tokens instead of a
number of texts keeps every batch's work and memory alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.threads import in_order_by_torch
from lapca_bench.errors import EncoderError
from lapca_bench.progress import progress

Rows = npt.NDArray[np.int64]
Output = TypeVar("Output")

# A processor is fastest while a batch's activations stay in its caches (a 384-wide model encoded batches of 512 tokens
# 1.5 to 3 times as fast as of 4,096); an accelerator needs large batches to be busy.
CPU_BUDGET = 512
ACCELERATOR_BUDGET = 65_536
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "failed to allocate memory", "bad allocation", "bad_alloc")


def default_budget(device: str) -> int:
    """Tokens of a batch where the settings name none, by torch's type of device ("cpu", "cuda", ...)."""
    return CPU_BUDGET if device == "cpu" else ACCELERATOR_BUDGET


def plan(lengths: Sequence[int] | npt.NDArray[np.int64], budget: int = CPU_BUDGET) -> list[Rows]:
    """Positions of the input in batches, longest texts first, each of at most `budget` tokens once padded.

    A text longer than the budget gets a batch of its own. The longest come first so that a machine too small for them
    says so at the beginning.
    """
    sizes = np.maximum(np.asarray(lengths, dtype=np.int64), 1)
    order = np.argsort(-sizes, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        count = max(1, budget // int(sizes[order[start]]))
        batches.append(order[start : start + count])
        start += count
    return batches


def says_out_of_memory(error: Exception) -> bool:
    """Whether a library's error is its way of saying that memory ran out."""
    return any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)


def _halving(rows: Rows, forward: Callable[[Rows], Output], name: str) -> Iterator[tuple[Rows, Output]]:
    try:
        output = forward(rows)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not says_out_of_memory(error):
            raise
        if len(rows) == 1:
            raise EncoderError(
                f"encoder {name!r} ran out of memory on a single text",
                remedy="lower its maximum length, or run it on a machine with more memory",
            ) from error
    else:
        yield rows, output
        return
    half = len(rows) // 2
    yield from _halving(rows[:half], forward, name)
    yield from _halving(rows[half:], forward, name)


def run_batches(
    lengths: Sequence[int] | npt.NDArray[np.int64],
    forward: Callable[[Rows], Output],
    *,
    name: str,
    budget: int,
    threads: int = 1,
) -> Iterator[tuple[Rows, Output]]:
    """Positions of texts and what `forward` makes of the texts at them, until every text has had its turn.

    A batch that does not fit into memory is halved and tried again, down to one text; then `EncoderError`. With
    `threads`, `forward` is torch's on the processor and each thread runs a batch of its own: no core waits for
    another after every layer, and a batch stays in its core's cache.
    """

    def outcome(batch: Rows) -> list[tuple[Rows, Output]]:
        return list(_halving(batch, forward, name))

    batches = plan(lengths, budget)
    alone = len(batches) < 2 * threads
    with progress(f"encode ({name})", total=len(lengths), unit="text") as bar:
        for outcomes in in_order_by_torch(outcome, batches, 1 if alone else threads):
            for rows, output in outcomes:
                yield rows, output
                bar.advance(len(rows))


def encode_batches(
    lengths: Sequence[int] | npt.NDArray[np.int64],
    forward: Callable[[Rows], Vectors],
    *,
    name: str,
    dimension: int,
    budget: int = CPU_BUDGET,
    threads: int = 1,
) -> Vectors:
    """Vectors of all texts in input order: `forward(rows)` gives those of the texts at these positions."""
    vectors = np.empty((len(lengths), dimension), dtype=np.float32)
    for rows, output in run_batches(lengths, forward, name=name, budget=budget, threads=threads):
        if output.shape[1] != dimension:
            message = f"encoder {name!r} gives vectors of {output.shape[1]} columns; {dimension} are stated"
            raise EncoderError(message, remedy="correct hidden_size in the checkpoint's config.json")
        vectors[rows] = output
    return vectors
