"""Geometry of the plots of a training; the templates draw it as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lapca_bench.report.board.svg import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Tick, round_steps
from lapca_bench.report.training_record import Curves, Margins, smoothed
from lapca_bench.training.mining.report import MARGIN_STEP

RIGHT = WIDTH - 10


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram, in pixels; `text` says which margins and how many pairs."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A histogram (`columns`) or a curve (`path`) with its axes; `mark` is a dashed line across, with a label."""

    title: str
    text: str
    x_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    columns: Sequence[Bin] = ()
    path: str = ""
    mark: Tick | None = None
    left: int = LEFT
    top: int = TOP
    bottom: int = BOTTOM
    width: int = WIDTH
    height: int = HEIGHT + 18


@dataclass(frozen=True)
class _Axes:
    """From values to pixels."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at_x(self, value: float) -> float:
        low, high = self.x
        return round(LEFT + (value - low) / (high - low) * (RIGHT - LEFT), 1)

    def at_y(self, value: float) -> float:
        low, high = self.y
        return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)

    def x_ticks(self, digits: int | None) -> list[Tick]:
        return [Tick(self.at_x(v), f"{v:,.{digits}f}" if digits else f"{v:,.0f}") for v in round_steps(*self.x)]

    def y_ticks(self) -> list[Tick]:
        return [Tick(self.at_y(v), f"{v:,.4g}") for v in round_steps(*self.y)]


def histogram(name: str, margins: Margins) -> Chart | None:
    """Pairs by margin with the threshold; None where nothing was mined."""
    if not margins.pairs:
        return None
    edges = list(margins.counts)
    axes = _Axes((min(edges), max(edges) + MARGIN_STEP), (0.0, 1.05 * max(margins.counts.values())))
    columns = [
        Bin(
            x=axes.at_x(edge) + 0.5,
            y=axes.at_y(count),
            width=round(axes.at_x(edge + MARGIN_STEP) - axes.at_x(edge) - 1, 1),
            height=round(BOTTOM - axes.at_y(count), 1),
            text=f"{edge:.2f} to {edge + MARGIN_STEP:.2f}: {count:,} pairs",
        )
        for edge, count in margins.counts.items()
    ]
    mark = None
    if margins.threshold is not None and axes.x[0] <= margins.threshold <= axes.x[1]:
        mark = Tick(axes.at_x(margins.threshold), f"threshold {margins.threshold:g}")
    return Chart(
        title=f"Margins of the proposed pairs ({name})",
        text=f"{margins.pairs:,} pairs, margins from {axes.x[0]:.2f} to {axes.x[1]:.2f}",
        x_label="ratio margin",
        x_ticks=axes.x_ticks(2),
        y_ticks=axes.y_ticks(),
        columns=columns,
        mark=mark,
    )


def curves(found: Curves) -> list[Chart]:
    """One chart of the loss, one of each evaluation; series of one point are left out."""
    series = {"loss": smoothed(found.loss), **{name: list(values) for name, values in found.evaluations.items()}}
    return [_curve(name, values) for name, values in series.items() if len(values) > 1]


def _curve(name: str, values: Sequence[tuple[int, float]]) -> Chart:
    low, high = min(v for _, v in values), max(v for _, v in values)
    margin = max(0.06 * (high - low), 1e-3)
    axes = _Axes((values[0][0], values[-1][0]), (max(0.0, low - margin) if low >= 0 else low - margin, high + margin))
    points = [f"{axes.at_x(step)} {axes.at_y(value)}" for step, value in values]
    return Chart(
        title=f"{name} by step",
        text=f"{name}: from {values[0][1]:.3f} at step {values[0][0]} to {values[-1][1]:.3f} at step {values[-1][0]}",
        x_label="step",
        x_ticks=axes.x_ticks(None),
        y_ticks=axes.y_ticks(),
        path="M" + "L".join(points),
    )
