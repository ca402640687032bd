"""What mining found, counted while it streams by: pairs, margins, and agreement with the corpus's own alignment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lapca_bench.training.mining.margin import MinedPair, is_gold

SWEEP = (1.00, 1.03, 1.06)  # thresholds that are always reported: margins are known, so one run answers all
MARGIN_STEP = 0.05  # width of a bar in the histogram of margins


@dataclass(frozen=True)
class Agreement:
    """Mined against gold pairs of one language pair."""

    mined: int
    gold: int
    both: int

    @property
    def precision(self) -> float:
        """Share of mined pairs that are gold; 0 where nothing was mined."""
        return self.both / self.mined if self.mined else 0.0

    @property
    def recall(self) -> float:
        """Share of gold pairs that were mined; 0 where there is no gold."""
        return self.both / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def __add__(self, other: Agreement) -> Agreement:
        """Both counted together."""
        return Agreement(self.mined + other.mined, self.gold + other.gold, self.both + other.both)

    def figures(self) -> dict[str, float]:
        """All of it, for a report."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: round(value, 4) for name, value in shares.items()} | {
            "mined": self.mined,
            "gold": self.gold,
            "both": self.both,
        }


@dataclass
class MiningReport:
    """Counts of proposed, written and gold pairs by language pair."""

    thresholds: Sequence[float]
    _written: Counter[str] = field(default_factory=Counter)
    _margins: Counter[float] = field(default_factory=Counter)
    _gold: Counter[str] = field(default_factory=Counter)
    _mined: dict[float, Counter[str]] = field(default_factory=dict)
    _both: dict[float, Counter[str]] = field(default_factory=dict)

    def proposed(self, pairs: Iterable[MinedPair]) -> Iterator[MinedPair]:
        """Pass candidates on, counting margins and, at each threshold, how many are gold."""
        for pair in pairs:
            self._margins[round(float(np.floor(pair.margin / MARGIN_STEP + 1e-9)) * MARGIN_STEP, 2)] += 1
            key, gold = _key(pair), is_gold(pair.left, pair.right)
            for threshold in self.thresholds:
                if pair.margin >= threshold:
                    self._mined.setdefault(threshold, Counter())[key] += 1
                    self._both.setdefault(threshold, Counter())[key] += gold
            yield pair

    def written(self, pairs: Iterable[MinedPair]) -> Iterator[MinedPair]:
        """Pass the pairs that are written on, counting them."""
        for pair in pairs:
            self._written[_key(pair)] += 1
            yield pair

    def gold(self, pairs: Iterable[MinedPair]) -> None:
        """Count the corpus's own pairs of the same pages."""
        self._gold.update(_key(pair) for pair in pairs)

    def agreement(self, threshold: float) -> dict[str, Agreement]:
        """Mined at this threshold against gold, by language pair."""
        mined, both = self._mined.get(threshold, Counter()), self._both.get(threshold, Counter())
        return {key: Agreement(mined[key], self._gold[key], both[key]) for key in sorted({*mined, *self._gold})}

    def content(self) -> dict[str, Any]:
        """The report as JSON values; agreement only where the corpus has an alignment of its own."""
        found: dict[str, Any] = {
            "pairs": sum(self._written.values()),
            "language pairs": dict(sorted(self._written.items())),
            "margins": {f"{edge:.2f}": count for edge, count in sorted(self._margins.items())},
        }
        if self._gold:
            found["agreement"] = {}
            for threshold in self.thresholds:
                parts = self.agreement(threshold)
                together = sum(parts.values(), start=Agreement(0, 0, 0))
                found["agreement"][f"{threshold:.2f}"] = {"all": together.figures()} | {
                    key: one.figures() for key, one in parts.items()
                }
        return found


def _key(pair: MinedPair) -> str:
    return "-".join(pair.languages)
