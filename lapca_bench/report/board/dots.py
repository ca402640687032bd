"""The mean of every row as a dot with its interval, all on one axis, so that tied systems are seen to overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LEFT, SPAN = 5, 100  # pixels: where the axis begins and how long it is; dots.js draws by the same


@dataclass(frozen=True)
class Dot:
    """One mean: pixels of the dot and of the ends of its interval, None where there is none."""

    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Axis:
    """The common axis of a board's means, in fractions."""

    low: float
    high: float

    def dot(self, mean: float, interval: tuple[float, float] | None) -> Dot:
        """A mean on this axis."""
        low, high = (self._at(bound) for bound in interval) if interval else (None, None)
        return Dot(self._at(mean), low, high)

    def _at(self, value: float) -> float:
        width = self.high - self.low
        return round(LEFT + ((value - self.low) / width if width > 0 else 0.5) * SPAN, 1)


def axis_of(means: Iterable[tuple[float, tuple[float, float] | None]]) -> Axis | None:
    """The axis that holds these means and their intervals, None where there are no means."""
    ends = [end for mean, interval in means for end in (mean, *(interval or ()))]
    return Axis(min(ends), max(ends)) if ends else None
