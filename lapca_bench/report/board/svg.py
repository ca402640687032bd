"""Geometry of the plots on the pages; the templates draw it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lapca_bench.report.board.model import Board, Entry

LEFT, TOP, WIDTH, HEIGHT, BOTTOM = 40, 8, 460, 300, 272
LABEL = 11
BAR_LEFT, BAR_STEP, BAR_SPAN = 64, 18, 250


@dataclass(frozen=True)
class Tick:
    """A grid line at a coordinate."""

    at: float
    label: str


@dataclass(frozen=True)
class Point:
    """One system in a scatter plot."""

    x: float
    y: float
    label_y: float
    name: str
    detail: str
    anchor: str


@dataclass(frozen=True)
class Scatter:
    """Quality (y) against one cost (x, logarithmic)."""

    title: str
    points: Sequence[Point]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    left: int = LEFT
    bottom: int = BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Bar:
    """One language: a bar with its interval; coordinates in pixels."""

    label: str
    short: str
    y: float
    length: float
    low: float | None
    high: float | None
    end: float
    number: str
    text: str


@dataclass(frozen=True)
class Bars:
    """The languages of one system on one board."""

    title: str
    bars: Sequence[Bar]
    width: int
    height: int
    left: int = BAR_LEFT


COSTS = {
    "encode_seconds": "seconds of encoding",
    "queries_per_second": "queries ranked per second",
    "index_bytes": "index bytes",
}


def scatters(board: Board) -> list[Scatter]:
    """One plot per cost that at least two ranked systems recorded, for the board's first measure."""
    measure = board.measures[0]
    found = []
    for cost, title in COSTS.items():
        known = [
            (value, standing.macro, entry)
            for entry in board.entries
            for value in [getattr(entry.cost, cost)]
            for standing in [entry.standings.get(measure)]
            if value and standing is not None and standing.macro is not None
        ]
        if len(known) > 1:
            found.append(_scatter(f"{measure} against {title}", known))
    return found


def _scatter(title: str, known: Sequence[tuple[float, float, Entry]]) -> Scatter:
    lows = [math.log10(cost) for cost, _, _ in known]
    low, high = math.floor(min(lows)), math.ceil(max(lows))
    high = max(high, low + 1)
    least, most = min(mean for _, mean, _ in known), max(mean for _, mean, _ in known)
    margin = max((most - least) * 0.12, 0.01)
    bottom, top = max(0.0, least - margin), min(1.0, most + margin)

    def x_of(exponent: float) -> float:
        return round(LEFT + 6 + (exponent - low) / (high - low) * (WIDTH - LEFT - 22), 1)

    def y_of(mean: float) -> float:
        return round(BOTTOM - (mean - bottom) / (top - bottom) * (BOTTOM - TOP - 6), 1)

    points = []
    free = 0.0  # labels of near points are moved down, one line each
    for cost, mean, entry in sorted(known, key=lambda one: -one[1]):
        x, y = x_of(math.log10(cost)), y_of(mean)
        free = max(y, free + LABEL)
        anchor = "end" if x > WIDTH * 0.6 else "start"
        points.append(Point(x, y, free, entry.system, f"{100 * mean:.1f} at {cost:,.4g}", anchor))
    x_ticks = [Tick(x_of(exponent), _power(exponent)) for exponent in range(low, high + 1)]
    y_ticks = [Tick(y_of(value), f"{100 * value:.0f}") for value in round_steps(bottom, top)]
    return Scatter(title, points, x_ticks, y_ticks)


def _power(exponent: int) -> str:
    if exponent >= 3:
        return {3: "1k", 4: "10k", 5: "100k", 6: "1M", 7: "10M", 8: "100M", 9: "1G", 10: "10G"}.get(
            exponent, f"1e{exponent}"
        )
    return f"{10.0**exponent:g}"


def round_steps(low: float, high: float) -> list[float]:
    """Round values between low and high, about five of them."""
    raw = (high - low) / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def bars(board: Board, entry: Entry, measure: str) -> Bars:
    """The entry's scores on every task of the board that it has one for."""
    made: list[Bar] = []
    for task in board.tasks:
        score = entry.scores.get((measure, task.key))
        if score is None:
            continue
        low, high = score.interval or (None, None)
        length = round(score.mean * BAR_SPAN, 1)
        end = BAR_LEFT + max(length, (high or 0.0) * BAR_SPAN)
        text = f"{100 * score.mean:.1f}" + (
            f", interval {100 * low:.1f} to {100 * high:.1f}" if low is not None and high is not None else ""
        )
        made.append(
            Bar(
                label=task.title,
                short=task.label[:10],
                y=len(made) * BAR_STEP + 4,
                length=length,
                low=None if low is None else round(BAR_LEFT + low * BAR_SPAN, 1),
                high=None if high is None else round(BAR_LEFT + high * BAR_SPAN, 1),
                end=round(end, 1),
                number=f"{100 * score.mean:.1f}",
                text=text,
            )
        )
    return Bars(f"{measure} by language", made, BAR_LEFT + BAR_SPAN + 50, len(made) * BAR_STEP + 10)
