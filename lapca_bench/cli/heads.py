"""`lapca-bench heads`: small maps over a frozen encoder, trained on a processor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.output import say

app = typer.Typer(help="Make heads over a frozen encoder.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep `make` a verb of its own while it is the only one."""


@app.command(epilog="Example: lapca-bench heads make dream --system me5-small-q4 --out dream.safetensors")
def make(
    method: Annotated[
        str,
        typer.Argument(help="dream, contrastive, adversarial, regularised-alignment, dual-momentum, probe; or a fit."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The safetensors file to write.")],
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, whose vectors are frozen.")],
    paragraphs: Annotated[int, typer.Option(min=16, help="Aligned paragraphs of the help pages' training part.")] = 400,
    components: Annotated[int | None, typer.Option(min=1, help="Directions, of the fits that count them.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At most so many; training stops when it no longer helps.")] = 200,
    rate: Annotated[float, typer.Option(min=0, help="Adam's learning rate.")] = 1e-4,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of texts.")] = 1,
) -> None:
    """Train a head, or fit a post-processing, on gold-aligned help pages; a card's table [head] then names the file.

    Fits are centring, whitening, language-mean-removal and lir.
    """
    from lapca_bench.training.heads.make import make_head
    from lapca_bench.training.heads.pairs import HeadTrainingSettings

    settings = HeadTrainingSettings(epochs=epochs, rate=rate, seed=seed)
    made = make_head(method, system, out, paragraphs, settings, components)
    texts = f"{made.texts} of help-pages, train, {made.languages} languages"
    if made.training is None:
        say(f"{method} fitted on {texts}: {made.path}")
    else:
        trained = made.training
        accuracy = f"held-out accuracy {trained.before:.3f} before, {trained.after:.3f} after"
        say(f"{method} trained on {texts}: epoch {trained.epoch}, {accuracy}: {made.path}")
