"""`lapca-bench table`: a comparison table from stored results; nothing is computed anew but means and tests."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from lapca_bench.cli.options import (
    Baseline,
    Depth,
    Format,
    Intervals,
    Margin,
    PairedTest,
    Pairs,
    Significance,
    Split,
    TableFormat,
    Test,
    Tested,
)
from lapca_bench.cli.output import Json, say_json, say_written, tell
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
    baseline: Baseline = "",
    pairs: Pairs = False,
    equal_within: Margin = None,
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
    from lapca_bench.cli.pair_list import POINT, records, show_pairs
    from lapca_bench.experiment.selection import select
    from lapca_bench.report import writers
    from lapca_bench.report.comparison import comparison
    from lapca_bench.report.lines import lines_of
    from lapca_bench.report.pairs import Display, pairs_of

    chosen = select(results, collection, system or (), split, depth)
    order: Literal["given", "mean"] = "mean" if sort is Order.mean and not system else "given"
    listed = pairs or equal_within is not None
    tested = Tested.mean if listed and significance is Tested.none else significance
    margin = None if equal_within is None else POINT * equal_within
    display = Display(tested.value, test.value, intervals=intervals, order=order, baseline=baseline, margin=margin)
    made = comparison(chosen.results, measure, chosen.places, collection, display)
    found = []
    if listed:
        lines = lines_of(chosen.results, measure, chosen.places).ordered(order)
        found = pairs_of(lines, display, bounded=True)
    for said in chosen.left_out:
        tell(f"left out, {said}")
    form = Format.json if json else form
    if output is not None:
        writers.write(made, output)
        tell(f"wrote {output}")
    elif form is Format.json and listed:
        say_json({**writers.document(made), "comparisons": records(found)})
        return
    else:
        say_written(writers.FORMATS[form.value](made).rstrip("\n"))
    if listed:
        show_pairs(found, made.title, form, output)
