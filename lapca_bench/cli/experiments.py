"""`lapca-bench experiments`: experiment files that installed packages bring, and whether a file of yours is sound."""

from __future__ import annotations

from typing import Annotated

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json

app = typer.Typer(help="List and check experiment files.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list", epilog="Example: lapca-bench experiments list")
def list_(json: Json = False) -> None:
    """List the experiments that come with the installed packages; `run --experiment NAME` runs one."""
    from lapca_bench.experiment import spec

    found = {name: spec.read(path) for name, path in spec.brought().items()}
    if json:
        say_json([{"name": name, **experiment.model_dump()} for name, experiment in found.items()])
        return
    rows = [
        (name, len(experiment.systems), " ".join(experiment.collections), experiment.title)
        for name, experiment in found.items()
    ]
    say_columns(("experiment", "systems", "collections", "title"), rows)


@app.command(epilog="Example: lapca-bench experiments check mine.toml")
def check(
    name: Annotated[str, typer.Argument(help="An experiment file, or the name of one that a package brings.")],
) -> None:
    """Check an experiment: its file, and every name in it. Nothing is run."""
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.plan import plan
    from lapca_bench.experiment.systems import check_names

    experiment = spec.find(name)
    check_names(experiment.systems)
    planned = plan(experiment)
    say(f"{name}: {len(experiment.systems)} systems on {len(planned.cells) // len(experiment.systems)} collections")
