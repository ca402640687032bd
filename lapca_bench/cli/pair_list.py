"""Lists of pairs beside a comparison table: on the terminal, in files, and as records for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.cli.options import Format
from lapca_bench.cli.output import say, say_written, tell

if TYPE_CHECKING:
    from lapca_bench.scoring.pairwise import Comparison

POINT = 0.01  # a point of a hundred, as a share


def show_pairs(pairs: Sequence[Comparison], name: str, form: Format, output: Path | None = None) -> None:
    """Print the list in a format, or write it beside the file that a table went to; say so where there is no pair."""
    from lapca_bench.report import writers
    from lapca_bench.report.pairs import pairs_table

    if not pairs:
        tell(f"no pair to list of {name}: it needs two systems with results for the same queries")
        return
    made = pairs_table(pairs, name)
    if output is not None:
        beside = output.with_stem(f"{output.stem}-pairs")
        writers.write(made, beside)
        tell(f"wrote {beside}")
        return
    say()
    say_written(writers.FORMATS[form.value](made).rstrip("\n"))


def records(pairs: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Each pair with all its figures; what is not finite is null, for JSON has no such number."""
    return [{name: _number(value) for name, value in asdict(pair).items()} for pair in pairs]


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
