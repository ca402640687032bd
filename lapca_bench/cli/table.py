"""`lapca-bench table`: a comparison table from stored results; nothing is computed anew but means and tests."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from lapca_bench.cli.options import Depth, Format, Intervals, PairedTest, Significance, Split, TableFormat, Test, Tested
from lapca_bench.cli.output import Json, say_written, tell
from lapca_bench.paths import DEFAULT_RESULTS


class Order(StrEnum):
    """The order of rows."""

    mean = "mean"
    name = "name"


def table(
    collection: Annotated[str, typer.Option("--collection", "-c", help="A collection or group, as given to `run`.")],
    measure: Annotated[
        str | None, typer.Option("--measure", "-m", help="One measure (default: the collection's main one).")
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--system", "-s", metavar="NAME", help="Only these systems, in this order; repeat for more."),
    ] = None,
    results: Annotated[Path, typer.Option("--results", help="Folder of stored results.")] = DEFAULT_RESULTS,
    split: Split = None,
    depth: Depth = None,
    sort: Annotated[Order, typer.Option(help="Order of rows, where --system does not give it.")] = Order.mean,
    significance: Significance = Tested.mean,
    test: Test = PairedTest.t,
    intervals: Intervals = False,
    form: TableFormat = Format.terminal,
    json: Json = False,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead: .md .tex .csv .json .html .txt")
    ] = None,
) -> None:
    """Make a comparison table from stored results.

    Its rows are the systems that have results on the collection or group, each with its newest.
    """
    from lapca_bench.experiment.selection import select
    from lapca_bench.report import writers
    from lapca_bench.report.comparison import Display, comparison

    chosen = select(results, collection, system or (), split, depth)
    order: Literal["given", "mean"] = "mean" if sort is Order.mean and not system else "given"
    display = Display(significance.value, test.value, intervals=intervals, order=order)
    made = comparison(chosen.results, measure, chosen.places, collection, display)
    if chosen.older:
        tell(f"{chosen.older} older results of the same systems are not shown")
    if output is not None:
        writers.write(made, output)
        tell(f"wrote {output}")
    else:
        say_written(writers.FORMATS["json" if json else form.value](made).rstrip("\n"))
