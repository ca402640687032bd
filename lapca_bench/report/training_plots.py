"""Figures of a training for papers: the margins of the mined pairs, and loss and evaluations by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapca_bench.errors import UsageError
from lapca_bench.report.plots import COLORS, new_figure, plain
from lapca_bench.report.training_record import Curves, Margins, smoothed
from lapca_bench.training.mining.report import MARGIN_STEP

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_margins(margins: Margins, title: str) -> Figure:
    """A histogram of the margins with the threshold; raises `UsageError` where nothing was mined."""
    if not margins.pairs:
        raise UsageError("this report holds no pairs", remedy="mine with a lower threshold")
    figure = new_figure(5.2, 3.2)
    axes = figure.subplots()
    edges = list(margins.counts)
    axes.bar(edges, list(margins.counts.values()), MARGIN_STEP, align="edge", color=COLORS[0], edgecolor="white")
    if margins.threshold is not None:
        label = f"threshold {margins.threshold:g}"
        axes.axvline(margins.threshold, color=COLORS[3], linestyle="--", linewidth=1, label=label)
        axes.legend(fontsize=7, frameon=False)
    axes.set_xlabel("ratio margin")
    axes.set_ylabel("proposed pairs")
    axes.set_title(plain(title), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_curves(curves: Curves, title: str) -> Figure:
    """The loss, and below it every evaluation; raises `UsageError` where no step is recorded."""
    panels = {"loss": smoothed(curves.loss), **curves.evaluations}
    panels = {name: values for name, values in panels.items() if values}
    if not panels:
        raise UsageError("this record holds no step", remedy="train further, then plot again")
    figure = new_figure(5.2, 1.0 + 1.8 * len(panels))
    for number, (name, values) in enumerate(panels.items()):
        axes = figure.add_subplot(len(panels), 1, number + 1)
        steps, heights = zip(*values, strict=True)
        marker = "o" if len(values) <= 40 else None
        axes.plot(steps, heights, color=COLORS[number % len(COLORS)], linewidth=1.2, marker=marker, markersize=2.5)
        axes.set_ylabel(plain(name), fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        if number == len(panels) - 1:
            axes.set_xlabel("step")
    figure.suptitle(plain(title), fontsize=10)
    return figure
