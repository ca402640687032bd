"""`lapca-bench compare`: several TREC runs on the same judgements, with significance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import Baseline, Format, Margin, PairedTest, Pairs, Test
from lapca_bench.cli.output import Json, say_json, say_written
from lapca_bench.cli.score import DEFAULT_MEASURES, Measures, tell_strangers


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more run files.")],
    qrels: Annotated[Path, typer.Option("--qrels", help="Judgements: query 0 document grade.")],
    measure: Measures = None,
    test: Test = PairedTest.t,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            "-c",
            help="The collection that the queries are of: it says which are translations of one query, which make one "
            "observation (default: every query is one).",
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(min=0.0, max=1.0, help="Level of significance.")] = 0.05,
    baseline: Baseline = "",
    pairs: Pairs = False,
    equal_within: Margin = None,
    output: Annotated[
        Path | None, typer.Option("--out", help="Also write the table: .md .tex .csv .json .html")
    ] = None,
    json: Json = False,
) -> None:
    """Compare run files, with tests of significance.

    Shows a table of means, and which differences hold after Holm's correction over all of them.
    """
    from lapca_bench.cli.pair_list import POINT, records, show_pairs
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.report import writers
    from lapca_bench.report.run_comparison import compare_runs
    from lapca_bench.scoring import Settings, score_files
    from lapca_bench.scoring.distinct import once_each
    from lapca_bench.store.runs import read_qrels, read_run

    measures = tuple(once_each(measure or DEFAULT_MEASURES))
    relevance = read_qrels(qrels)
    frames = {}
    for path in runs:
        if runs.count(path) > 1:
            raise UsageError("this run is named twice", path=path, remedy="name each run once")
        run = read_run(path)
        tell_strangers(run, relevance)
        name = run.name if run.name not in frames else str(path)
        frames[name] = score_files(run, relevance, measures).frame
    translations = registry.card(registry.expand(collection)[0]).policy.translations if collection else ""
    margin = None if equal_within is None else POINT * equal_within
    table, comparisons = compare_runs(frames, measures, Settings(test.value, alpha, baseline, margin), translations)
    if output is not None:
        writers.write(table, output)
    if json:
        say_json({**writers.document(table), "comparisons": records(comparisons)})
        return
    say_written(writers.screen(table))
    if pairs or margin is not None:
        show_pairs(comparisons, table.title, Format.terminal)
