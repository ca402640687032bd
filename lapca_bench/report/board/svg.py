"""Geometry of the plots on the pages; the templates draw it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lapca_bench.report.board.model import Board, Entry

LEFT, TOP, WIDTH, HEIGHT, BOTTOM = 40, 8, 460, 300, 272
LABEL = 13
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
    front: bool  # no other system is better in both
    row: int  # its place among the rows of the page's table


@dataclass(frozen=True)
class Scatter:
    """Quality (y) against one cost (x, logarithmic)."""

    title: str
    points: Sequence[Point]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    path: str  # joins the systems of the front
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


MORE_IS_BETTER = {"queries_per_second"}


def scatters(board: Board, entries: Sequence[Entry]) -> list[Scatter]:
    """One plot per cost that at least two ranked systems recorded, for the board's first measure.

    `entries` are the board's in the order of the page's rows.
    """
    measure = board.measures[0]
    found = []
    for cost, title in COSTS.items():
        known = [
            (value, standing.macro, entry.system, row)
            for row, entry in enumerate(entries)
            for value in [getattr(entry.cost, cost)]
            for standing in [entry.standings.get(measure)]
            if value and standing is not None and standing.macro is not None
        ]
        if len(known) > 1:
            found.append(_scatter(f"{measure} against {title}", known, more_is_better=cost in MORE_IS_BETTER))
    return found


def front_of(points: Sequence[tuple[float, float]], *, more_is_better: bool) -> set[int]:
    """The places of those (cost, quality) that no other is at least as good as in both and better in one."""
    order = sorted(range(len(points)), key=lambda n: (-points[n][0] if more_is_better else points[n][0], -points[n][1]))
    found: set[int] = set()
    best = -math.inf
    for place in order:
        if points[place][1] > best:
            best = points[place][1]
            found.add(place)
    return found


def _scatter(title: str, known: Sequence[tuple[float, float, str, int]], *, more_is_better: bool) -> Scatter:
    lows = [math.log10(cost) for cost, *_ in known]
    low, high = math.floor(min(lows)), math.ceil(max(lows))
    high = max(high, low + 1)
    least, most = min(mean for _, mean, *_ in known), max(mean for _, mean, *_ in known)
    margin = max((most - least) * 0.12, 0.01)
    bottom, top = max(0.0, least - margin), min(1.0, most + margin)

    def x_of(exponent: float) -> float:
        return round(LEFT + 6 + (exponent - low) / (high - low) * (WIDTH - LEFT - 22), 1)

    def y_of(mean: float) -> float:
        return round(BOTTOM - (mean - bottom) / (top - bottom) * (BOTTOM - TOP - 6), 1)

    points = []
    front = front_of([(cost, mean) for cost, mean, *_ in known], more_is_better=more_is_better)
    free = 0.0  # labels of near points are moved down, one line each
    for place in sorted(range(len(known)), key=lambda n: -known[n][1]):
        cost, mean, name, row = known[place]
        x, y = x_of(math.log10(cost)), y_of(mean)
        if place in front:
            free = max(y, free + LABEL)
        anchor = "end" if x > WIDTH * 0.6 else "start"
        points.append(Point(x, y, free, name, f"{100 * mean:.1f} at {cost:,.4g}", anchor, place in front, row))
    x_ticks = [Tick(x_of(exponent), _power(exponent)) for exponent in range(low, high + 1)]
    y_ticks = [Tick(y_of(value), f"{100 * value:.0f}") for value in round_steps(bottom, top)]
    path = "M" + "L".join(f"{point.x} {point.y}" for point in points if point.front)
    return Scatter(title, points, x_ticks, y_ticks, path)


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
    """The entry's scores on every task of the board that it has one for, the highest first."""
    made: list[Bar] = []
    known = [(entry.scores[measure, task.key], task) for task in board.tasks if (measure, task.key) in entry.scores]
    for score, task in sorted(known, key=lambda one: -one[0].mean):
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
