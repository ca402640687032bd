"""`lapca-bench bitext`: parallel sentences found from the vectors of both sides (Tatoeba, BUCC, help-pages-bitext)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.output import Json, Quiet, say, say_columns, say_json, set_volume, tell

if TYPE_CHECKING:
    from lapca_bench.experiment.bitext import Aligned, Mined


def bitext(
    system: Annotated[str, typer.Option("--system", "-s", help="A dense system, a card's path, or file.py:Class.")],
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", help="A bitext collection or group; repeat for more.")
    ],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the retrieval of translations.

    Accuracy both ways, F1 and xSIM error of aligned sentences; precision, recall and F1 of mined ones (BUCC). A
    collection of several languages is scored by pairs of them.
    """
    from dataclasses import asdict
    from functools import partial

    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.bitext import Aligned, Mined, score_bitext
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.search.dense import DenseSystem

    set_volume(quiet, verbose=False)
    made = SystemFactory.of([system])(system, "bitext")
    if not isinstance(made, DenseSystem):
        raise UsageError(
            f"{system} has no vectors", remedy="name a dense system: lapca-bench systems list --kind dense"
        )
    found: dict[str, Aligned | Mined] = {}
    for name in dict.fromkeys(member for asked in collection for member in registry.expand(asked)):
        scores = score_bitext(made.encoder, made.store, partial(registry.load, name))
        found |= {f"{name} ({pair})" if len(scores) > 1 else name: one for pair, one in scores.items()}
    if json:
        say_json({name: asdict(scores) for name, scores in found.items()})
        return
    _show_aligned({name: scores for name, scores in found.items() if isinstance(scores, Aligned)})
    _show_mined({name: scores for name, scores in found.items() if isinstance(scores, Mined)})


def _show_aligned(found: dict[str, Aligned]) -> None:
    if not found:
        return
    rows: list[tuple[object, ...]] = []
    values = []
    for name, s in found.items():
        figures = (s.accuracy, s.reverse_accuracy, s.f1, s.xsim_error, s.reverse_xsim_error)
        values.append(figures)
        rows.append((name, s.pairs, *(f"{100 * value:.2f}" for value in figures)))
    if len(values) > 1:
        means = [sum(column) / len(values) for column in zip(*values, strict=True)]
        rows.append((f"mean of {len(values)}", "", *(f"{100 * mean:.2f}" for mean in means)))
    say_columns(("percent", "pairs", "accuracy", "backwards", "F1", "xSIM error", "backwards"), rows)


def _show_mined(found: dict[str, Mined]) -> None:
    if not found:
        return
    say_columns(
        ("percent", "gold", "split", "threshold", "precision", "recall", "F1"),
        [
            (name, m.gold, m.split, f"{m.threshold:.4f}", *(f"{100 * v:.2f}" for v in _three(m)))
            for name, m in found.items()
        ],
    )
    for name, mined in found.items():
        if mined.gold >= min(mined.sentences):
            sides = " and ".join(f"{count}" for count in mined.sentences)
            tell(f"{name}: {mined.gold} pairs of {sides} sentences do not match one to one, so pairs were mined")
    say(f"The threshold is tuned on {next(iter(found.values())).tuned_on}; F1 on that split itself is an upper bound.")


def _three(mined: Mined) -> tuple[float, float, float]:
    return mined.quality.precision, mined.quality.recall, mined.quality.f1
