"""`lapca-bench reproduce`: a published table beside what was measured, and with --run the measuring itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.options import (
    BatchTokens,
    Device,
    Format,
    Precision,
    TableFormat,
    Threads,
    hardware_of,
    workspace_on,
)
from lapca_bench.cli.output import log_into, say, say_columns, say_written, tell
from lapca_bench.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapca_bench.api import Evaluation
    from lapca_bench.report.published.rerun import TableWork
    from lapca_bench.report.published.tables import TableRecipe
    from lapca_bench.search.workspace import Workspace


def reproduce(
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="Tables such as mr-tydi, a letter (A to D), or a recipe file; none lists them all."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every table.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Measure what is missing first; what is stored is kept.")] = False,
    rows: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="With --run: only these systems or published rows (default: all cards)."),
    ] = None,
    columns: Annotated[str | None, typer.Option(metavar="LANGUAGE,...", help="Only these languages.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="With --run: fetch what it needs and is not here.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="With --run: say what it would fetch and encode, and do nothing.")
    ] = False,
    device: Device = None,
    dtype: Precision = None,
    batch_tokens: BatchTokens = None,
    threads: Threads = None,
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

    Prints reported, measured, difference and verdict (match, close, differs, not run: why). With --run it measures:
    new results go to the first folder of results, and the same command goes on where it was stopped.
    """
    from lapca_bench.report.published import tables as recipes
    from lapca_bench.report.published.published import published
    from lapca_bench.report.published.rerun import narrowed, rerun

    if not tables and not every:
        listed = [
            (r.name, r.paper, r.title, f"{r.collection} {r.protocol} {r.split}") for r in recipes.recipes().values()
        ]
        say_columns(("table", "paper", "title", "published numbers"), listed)
        return
    chosen = list(recipes.recipes().values()) if every else [one for name in tables or () for one in recipes.find(name)]
    if together:
        chosen = [recipes.merged(chosen, published().protocols)]
    chosen = [narrowed(recipe, published(), _names(columns)) for recipe in chosen]
    if not run:
        _show(chosen, (), results, form, out)
        return
    measurable = [recipe for recipe in chosen if recipe.measured is not None or len(chosen) == 1]
    work = [rerun(recipe, published(), _names(rows)) for recipe in measurable]
    if dry_run:
        _forecast(work)
        return
    workspace = workspace_on(None, hardware=hardware_of(device, dtype, batch_tokens, threads))
    evaluations = _measure(work, results[0] if results else DEFAULT_RESULTS, workspace, fetch=fetch)
    own = {
        outcome.result.system
        for one, evaluation in zip(work, evaluations, strict=True)
        for outcome in evaluation.outcomes
        if outcome.result is not None and outcome.cell.system in one.own
    }
    _show(chosen, tuple(sorted(own)), results, form, out)
    if any(evaluation.failed for evaluation in evaluations):
        raise typer.Exit(1)


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())


def _show(
    chosen: Sequence[TableRecipe], own: tuple[str, ...], results: list[Path] | None, form: Format, out: Path | None
) -> None:
    from lapca_bench.report.published import output as reproduce_output
    from lapca_bench.report.published.published import published
    from lapca_bench.report.published.reproduce import reproduce as reproduced

    measured = reproduce_output.measured(results)
    made = [reproduced(recipe, published(), measured, own=own) for recipe in chosen]
    if out is None:
        say_written(reproduce_output.text(made, form.value).rstrip("\n"))
    else:
        reproduce_output.write(made, out)
        tell(f"wrote {out}")


def _forecast(work: Sequence[TableWork]) -> None:
    """Say what every table would fetch, encode and write."""
    from lapca_bench.api import Job
    from lapca_bench.cli.cells import show_forecast
    from lapca_bench.cli.needed import say_corpora, say_needed

    for one in work:
        say(f"{one.recipe.name}: {len(one.systems)} systems on {len(one.experiment.collections)} collections")
        say_needed(one.experiment)
        say_corpora(one.experiment)
        show_forecast(Job.of(one.experiment).forecast(), as_json=False)


def _measure(work: Sequence[TableWork], results: Path, workspace: Workspace, *, fetch: bool) -> list[Evaluation]:
    """Run every table's cells that are not stored."""
    from lapca_bench.api import Job
    from lapca_bench.cli.cells import outcome_line
    from lapca_bench.cli.needed import fetch_needed

    log_into(results)
    evaluations = []
    for one in work:
        tell(f"{one.recipe.name}: {len(one.systems)} systems on {len(one.experiment.collections)} collections")
        if fetch:
            fetch_needed(one.experiment)
        job = Job.of(one.experiment, results, workspace=workspace)
        evaluation = job.run(lambda outcome, number, total: tell(outcome_line(outcome, number, total)))
        if evaluation.failed:
            tell(f"{evaluation.failed} of {len(evaluation.outcomes)} cells failed; the same command repeats only those")
        evaluations.append(evaluation)
    return evaluations
