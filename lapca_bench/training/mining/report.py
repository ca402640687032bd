"""What mining found, counted while it streams by: pairs, margins, and agreement with the corpus's own alignment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lapca_bench.parsing import json_value
from lapca_bench.training.mining.chunks import MinedPair
from lapca_bench.training.mining.gold import is_gold
from lapca_bench.training.mining.settings import MiningSettings

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
    """Counts of proposed, written and gold pairs by languages, and the agreement of the first with the last."""

    thresholds: Sequence[float]
    _written: Counter[str] = field(default_factory=Counter)
    _margins: Counter[float] = field(default_factory=Counter)
    _gold: Counter[str] = field(default_factory=Counter)
    _mined: dict[float, Counter[str]] = field(default_factory=dict)
    _both: dict[float, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: MiningSettings) -> MiningReport:
        """An empty report over the thresholds that a mining by these settings can answer."""
        margins = settings.method == "margin"
        return cls(sorted({*SWEEP, settings.threshold}) if margins else [settings.threshold])

    def count_gold(self, pairs: Counter[str]) -> None:
        """Count the corpus's own pairs, given by languages."""
        self._gold.update(pairs)

    def count_proposed(self, pair: MinedPair) -> None:
        """Count a candidate's margin and, at each threshold, whether it is gold."""
        self._margins[round(float(np.floor(pair.margin / MARGIN_STEP + 1e-9)) * MARGIN_STEP, 2)] += 1
        gold = is_gold(pair.left, pair.right)
        for threshold in self.thresholds:
            if pair.margin >= threshold:
                self._mined.setdefault(threshold, Counter())[pair.language_pair] += 1
                self._both.setdefault(threshold, Counter())[pair.language_pair] += gold

    def count_written(self, pair: MinedPair) -> None:
        """Count a pair that is written."""
        self._written[pair.language_pair] += 1

    @property
    def language_pairs(self) -> dict[str, int]:
        """The number of written pairs of each two languages, by name."""
        return dict(sorted(self._written.items()))

    def agreement(self, threshold: float) -> dict[str, Agreement]:
        """Mined at this threshold against gold, by languages."""
        mined, both = self._mined.get(threshold, Counter()), self._both.get(threshold, Counter())
        return {key: Agreement(mined[key], self._gold[key], both[key]) for key in sorted({*mined, *self._gold})}

    def content(self) -> dict[str, object]:
        """The report as JSON values; agreement only where the corpus has an alignment of its own."""
        found: dict[str, object] = {
            "pairs": self._written.total(),
            "language pairs": self.language_pairs,
            "margins": {f"{edge:.2f}": count for edge, count in sorted(self._margins.items())},
        }
        if self._gold:
            found["agreement"] = {f"{threshold:.2f}": self._agreement(threshold) for threshold in self.thresholds}
        return found

    def _agreement(self, threshold: float) -> dict[str, dict[str, float]]:
        parts = self.agreement(threshold)
        together = sum(parts.values(), start=Agreement(0, 0, 0))
        return {"all": together.figures()} | {languages: one.figures() for languages, one in parts.items()}


def report_file(pairs: Path) -> Path:
    """Where the report of a file of pairs stands: beside it."""
    return pairs.with_suffix(".report.json")


def corpus_of_pairs(pairs: Path) -> str:
    """The corpus that a file of pairs was mined from, as the report beside it says; empty where there is no report."""
    try:
        content = json_value(report_file(pairs).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("corpus", "")) if isinstance(content, dict) else ""
