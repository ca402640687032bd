"""`lapca-bench delta`: a trained checkpoint as a small file over its start model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.output import say


def delta(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(help="A checkpoint, as `pretrain` prints it, or its --out folder; several are averaged."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    scale: Annotated[
        float, typer.Option(min=0, max=1, help="The share of the change to keep; below 1 forgets less.")
    ] = 1.0,
    bits: Annotated[
        int, typer.Option(min=4, max=16, help="16 stores the change in float16, 4 in blocks of 4 bits.")
    ] = 16,
    recipe: Annotated[
        str | None, typer.Option("--recipe", "-r", help="Its recipe, where the checkpoint does not hold it.")
    ] = None,
) -> None:
    """Write what training changed as a small file.

    Beside it go a model card and a system card that `run --system` takes.
    """
    from lapca_bench.training.recipe import load_recipe
    from lapca_bench.training.shipping import ship

    shipped = ship(checkpoints, out, None if recipe is None else load_recipe(recipe), scale=scale, bits=bits)
    say(f"{shipped.delta} ({shipped.size / 1e6:.1f} MB); run it as --system {shipped.card}")
