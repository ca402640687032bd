"""`lapca-bench plot`: figures of stored results and of trainings for a paper, as PNG, PDF or SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.options import Split
from lapca_bench.cli.output import tell
from lapca_bench.paths import DEFAULT_RESULTS

app = typer.Typer(help="Draw figures of results and trainings.", no_args_is_help=True, rich_markup_mode=None)

Collection = Annotated[str, typer.Option("--collection", "-c", help="A collection or group, as given to `run`.")]
Measure = Annotated[str | None, typer.Option("--measure", "-m", help="One measure (default: the main one).")]
Results = Annotated[Path, typer.Option("--results", help="Folder of stored results.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The file: .png .pdf .svg")]


@app.command(epilog="Example: lapca-bench plot bars -c help-pages --out bars.pdf")
def bars(
    collection: Collection,
    out: Out,
    system: Annotated[list[str] | None, typer.Option("--system", "-s", help="Only these; repeat for more.")] = None,
    measure: Measure = None,
    split: Split = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Draw the mean of every language with its 95% interval, for every system."""
    from lapca_bench.experiment.selection import select
    from lapca_bench.report import plots

    chosen = select(results, collection, system or (), split)
    plots.write(plots.draw_bars(plots.bars_of(chosen.results, measure), collection), out)
    tell(f"wrote {out}")


@app.command(epilog="Example: lapca-bench plot bias -c xquad-r/mixed -s me5-small-q4 --out bias.png")
def bias(
    collection: Collection,
    system: Annotated[str, typer.Option("--system", "-s", help="The system.")],
    out: Out,
    measure: Measure = None,
    split: Split = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Draw a measure by question language and document language, from a pool of several languages."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.selection import select
    from lapca_bench.report import plots
    from lapca_bench.report.pool_bias import bias_of_result

    chosen = select(results, collection, [system], split).results
    if len(chosen) != 1:
        raise UsageError(f"{collection} stands for {len(chosen)} collections", remedy="name one pool, as xquad-r/mixed")
    loaded = registry.load(chosen[0].collection, chosen[0].split)
    found = bias_of_result(chosen[0], loaded, measure)
    plots.write(plots.draw_matrix(found.matrix, f"{system} on {chosen[0].collection}"), out)
    tell(f"wrote {out}")


@app.command(epilog="Example: lapca-bench plot margins pairs.parquet --out margins.pdf")
def margins(
    pairs: Annotated[Path, typer.Argument(help="What `mine` wrote: the file of pairs, or its .report.json.")],
    out: Out,
) -> None:
    """Draw the histogram of the margins of mined pairs."""
    from lapca_bench.report import plots, training_plots
    from lapca_bench.report.training_record import read_margins

    plots.write(training_plots.draw_margins(read_margins(pairs), pairs.name.partition(".")[0]), out)
    tell(f"wrote {out}")


@app.command(epilog="Example: lapca-bench plot training checkpoints/small --out training.pdf")
def training(
    folder: Annotated[Path, typer.Argument(help="What `pretrain` wrote: a run's folder, or one checkpoint of it.")],
    out: Out,
) -> None:
    """Draw loss and evaluations of a training by step."""
    from lapca_bench.report import plots, training_plots
    from lapca_bench.report.training_record import read_curves

    plots.write(training_plots.draw_curves(read_curves(folder), folder.name), out)
    tell(f"wrote {out}")
