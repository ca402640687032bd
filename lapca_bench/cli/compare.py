"""`lapca-bench compare`: several TREC runs on the same judgements, with significance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import PairedTest, Test
from lapca_bench.cli.output import Json, say_columns, say_json, say_written
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
    pairs: Annotated[bool, typer.Option("--pairs", help="List every pair: difference, interval, effect, p.")] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="Also write the table: .md .tex .csv .json .html")
    ] = None,
    json: Json = False,
) -> None:
    """Compare run files, with tests of significance.

    Shows a table of means, and which differences hold after Holm's correction over all of them.
    """
    from dataclasses import asdict
    from math import isfinite

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
    table, comparisons = compare_runs(frames, measures, Settings(test.value, alpha), translations)
    if output is not None:
        writers.write(table, output)
    if json:
        records = [{**asdict(pair), "effect": pair.effect if isfinite(pair.effect) else None} for pair in comparisons]
        say_json({**writers.document(table), "comparisons": records})
        return
    say_written(writers.screen(table))
    if pairs:
        say_columns(
            ("measure", "first", "second", "difference", "interval", "d_z", "p (Holm)"),
            [
                (
                    pair.measure,
                    pair.first,
                    pair.second,
                    f"{100 * pair.difference:+.1f}",
                    f"[{100 * pair.low:+.1f}, {100 * pair.high:+.1f}]",
                    f"{pair.effect:.2f}",
                    f"{pair.p_holm:.4f}",
                )
                for pair in comparisons
            ],
        )
