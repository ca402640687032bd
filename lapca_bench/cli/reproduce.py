"""`lapca-bench reproduce`: a published table beside what was measured, with a verdict for every cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import Format, TableFormat
from lapca_bench.cli.output import say_columns, say_written, tell


def reproduce(
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="Tables such as mr-tydi, a letter (A to D), or a recipe file; none lists them all."),
    ] = None,
    results: Annotated[
        list[Path] | None, typer.Option(help="Folders of results (default: lapca-results and the shipped ones).")
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Put the named tables into one, if they compare.")
    ] = False,
    form: TableFormat = Format.terminal,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead: .md .tex .csv .json .html .txt")
    ] = None,
) -> None:
    """Set published numbers beside measured ones.

    Prints reported, measured, difference and verdict (match, close, differs, not run: why).
    """
    from lapca_bench.report.published import output as reproduce_output
    from lapca_bench.report.published import tables as recipes
    from lapca_bench.report.published.published import published
    from lapca_bench.report.published.reproduce import reproduce as reproduced

    if not tables:
        rows = [
            (r.name, r.paper, r.title, f"{r.collection} {r.protocol} {r.split}") for r in recipes.recipes().values()
        ]
        say_columns(("table", "paper", "title", "published numbers"), rows)
        return
    chosen = [recipe for name in tables for recipe in recipes.find(name)]
    if together:
        chosen = [recipes.merged(chosen, published().protocols)]
    measured = reproduce_output.measured(results)
    made = [reproduced(recipe, published(), measured) for recipe in chosen]
    if out is None:
        say_written(reproduce_output.text(made, form.value).rstrip("\n"))
    else:
        reproduce_output.write(made, out)
        tell(f"wrote {out}")
