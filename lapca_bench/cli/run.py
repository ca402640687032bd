"""`lapca-bench run`: systems × collections → stored results and comparison tables."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.cells import outcome_line, outcome_record, show_forecast
from lapca_bench.cli.options import (
    AllowNetwork,
    Baseline,
    BatchTokens,
    Depth,
    Device,
    Format,
    Intervals,
    Keep,
    Margin,
    Pairs,
    Precision,
    Ray,
    RunCode,
    SharedStore,
    Significance,
    Split,
    TableFormat,
    Tested,
    Threads,
    TrustIdentity,
    hardware_of,
    workspace_on,
)
from lapca_bench.cli.output import Json, Quiet, Verbose, log_into, say, say_json, say_written, set_volume, tell
from lapca_bench.cli.pair_list import POINT, records, show_pairs
from lapca_bench.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    from lapca_bench.api import Evaluation
    from lapca_bench.experiment.runner import Outcome
    from lapca_bench.report.pairs import Display
    from lapca_bench.report.table import Table

log = logging.getLogger(__name__)


def run(
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system",
            "-s",
            metavar="NAME",
            help="A system's name, a folder of weights (./my-model), a hub repository (owner/name), or the path of a "
            "card (my.toml); repeat for more.",
        ),
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            "-c",
            metavar="NAME",
            help="A collection, group or family, or a card's path; repeat for more.",
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            "-e",
            metavar="FILE:CLASS",
            help="An encoder of yours with encode(list[str]): file.py:Class, or file.py:make(size=3) for what a "
            "function makes; repeat for more.",
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment",
            "-x",
            metavar="FILE",
            help="An experiment file, or a packaged one (demo); other flags replace what it says.",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            "-m",
            metavar="NAME",
            help="A measure beside the collection's own, shown first; repeat for more.",
        ),
    ] = None,
    split: Split = None,
    depth: Depth = None,
    keep: Keep = None,
    results: Annotated[
        Path, typer.Option("--results", "--out", "-o", help="Folder for results and tables.")
    ] = DEFAULT_RESULTS,
    form: TableFormat = Format.terminal,
    significance: Significance = Tested.mean,
    baseline: Baseline = "",
    pairs: Pairs = False,
    equal_within: Margin = None,
    intervals: Intervals = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "-n",
            help="Show what would run, and run nothing (with --run-code: nothing but code of systems).",
        ),
    ] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="First fetch weights and collections that are not on this machine.")
    ] = False,
    run_code: RunCode = False,
    trust_identity: TrustIdentity = False,
    json: Json = False,
    device: Device = None,
    dtype: Precision = None,
    batch_tokens: BatchTokens = None,
    threads: Threads = None,
    ray: Ray = None,
    shared: SharedStore = None,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run systems on collections and print comparison tables.

    Every result is stored. What is stored already is not computed again, so an interrupted run goes on where it
    stopped. One system that fails does not stop the others; the exit code is then 1.
    """
    from lapca_bench.api import Job
    from lapca_bench.cli.needed import fetch_needed
    from lapca_bench.encoders.adapt import TRUST
    from lapca_bench.experiment import spec
    from lapca_bench.report.pairs import Display

    del allow_network  # its callback has thrown the switch
    set_volume(quiet, verbose)
    if trust_identity:
        os.environ[TRUST] = "1"
    wanted = spec.merged(
        spec.find(experiment) if experiment else None,
        systems=(*(system or ()), *(encoder or ())),
        collections=tuple(collection or ()),
        measures=tuple(measure or ()),
        split=split,
        depth=depth,
    )
    if fetch and not dry_run:
        fetch_needed(wanted)
    job = Job.of(
        wanted,
        results,
        workspace=workspace_on(ray, shared, hardware_of(device, dtype, batch_tokens, threads)),
        keep=keep,
    )
    if dry_run:
        show_forecast(job.forecast(run_code=run_code), as_json=json)
        return
    log_into(results)
    form = Format.json if json else form

    def show(outcome: Outcome, number: int, total: int) -> None:
        line = outcome_line(outcome, number, total)
        (say if form is Format.terminal else tell)(line)
        log.debug(line)

    evaluation = job.run(show)
    margin = None if equal_within is None else POINT * equal_within
    listed = pairs or margin is not None
    tested = Tested.mean if listed and significance is Tested.none else significance
    display = Display(tested.value, intervals=intervals, baseline=baseline, margin=margin)
    _show_tables(evaluation, wanted.measures[:1], display, form, listed=listed)
    _write_tables(evaluation.tables(wanted.measures, display), results, form)
    if evaluation.failed:
        of = len(evaluation.outcomes)
        tell(f"{evaluation.failed} of {of} cells failed; run the same command again to repeat only those")
        raise typer.Exit(1)


def _show_tables(
    evaluation: Evaluation, measures: Sequence[str], display: Display, form: Format, *, listed: bool
) -> None:
    from lapca_bench.report import writers

    tables = evaluation.tables(measures, display)
    pairs = {key: evaluation.pairs(key[1] or None, key[0], display) if listed else [] for key in tables}
    if form is not Format.json:
        for key, table in tables.items():
            say()
            say_written(writers.FORMATS[form.value](table).rstrip("\n"))
            if listed:
                show_pairs(pairs[key], table.title, form)
        return
    documents = {
        key[0]: {**writers.document(table), **({"comparisons": records(pairs[key])} if listed else {})}
        for key, table in tables.items()
    }
    only = next(iter(documents.values())) if len(documents) == 1 else {}
    say_json({**only, "tables": documents, "cells": [outcome_record(outcome) for outcome in evaluation.outcomes]})


def _write_tables(tables: dict[tuple[str, str], Table], results: Path, form: Format) -> None:
    """Write the tables in every format, and say where they are."""
    from lapca_bench.report import writers

    if not tables:
        return
    show = say if form is Format.terminal else tell
    show("")
    show(f"results: {results}")
    for (name, _), table in tables.items():
        measure = table.title.partition(" ")[0]
        stem = results / "tables" / writers.file_name(f"{name}-{measure}")
        endings = writers.write_all(table, stem)
        show(f"tables:  {stem}.{{{','.join(endings)}}}")
