"""How far a training has come, and what was measured on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict


class HistoryEntry(TypedDict):
    """What is known after a step: its loss, or the values of an evaluation by name."""

    step: int
    loss: NotRequired[float]
    evaluation: NotRequired[dict[str, float]]


@dataclass
class TrainingProgress:
    """The last step, the best one by the first value of its evaluation, and how many evaluations ago that was."""

    step: int = 0
    best_step: int = 0
    best_value: float | None = None
    since_best: int = 0
    history: list[HistoryEntry] = field(default_factory=list)
