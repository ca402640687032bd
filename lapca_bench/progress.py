"""Progress on standard error: a bar on a terminal, a plain line every ten seconds elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lapca_bench.visible import visible


class Progress(Protocol):
    """What `progress` yields: call `advance` as work gets done."""

    def advance(self, amount: int = 1) -> None:
        """Say that `amount` more units are done."""


class _Bar:
    def __init__(self, description: str, total: int | None, unit: str) -> None:
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            desc=visible(description),
            unit=unit,
            file=sys.stderr,
            disable=os.environ.get("LAPCA_BENCH_QUIET") == "1",
            dynamic_ncols=terminal,
            mininterval=0.1 if terminal else 10.0,
            delay=0.5 if terminal else 2.0,
            leave=False,
            position=None if terminal else 0,  # bars inside bars move the cursor, which a log file has not
            ascii=None if terminal else True,
        )

    def advance(self, amount: int = 1) -> None:
        self._bar.update(amount)

    def close(self) -> None:
        self._bar.close()


@contextmanager
def progress(description: str, total: int | None = None, unit: str = "it") -> Iterator[Progress]:
    """Show the progress of a stage that may take more than two seconds; `total` is None where it is not known."""
    bar = _Bar(description, total, unit)
    try:
        yield bar
    finally:
        bar.close()
