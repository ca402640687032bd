"""Means of a scored run: per language, macro over languages, micro over queries, and what is missing.

A mean over languages is given only when every expected language has a value: a language that is absent makes the mean
None and is named, it never shrinks the mean in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lapca_bench.scoring.scorer import Scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Aggregate:
    """Means of one measure. `means` and `queries` (counts) are by language, in the expected order.

    `macro` is the unweighted mean of the languages' means and `micro` the mean over all queries; both are None while a
    language of `missing` has no value.
    """

    measure: str
    means: Mapping[str, float | None]
    queries: Mapping[str, int]
    macro: float | None
    micro: float | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Expected languages without a value."""
        return tuple(language for language, mean in self.means.items() if mean is None)

    @property
    def coverage(self) -> float:
        """Share of the expected languages that have a value."""
        return 1.0 - len(self.missing) / len(self.means)

    def mean(self, average: Literal["macro", "micro"]) -> float | None:
        """The mean that a collection's policy asks for."""
        return self.macro if average == "macro" else self.micro


def aggregate(scores: Scores, languages: Sequence[str] | None = None) -> dict[str, Aggregate]:
    """The means of every measure of `scores`, by the measure's text.

    `languages` are the expected ones (default: those of the judged queries). Give the collection's own list where a
    table must show all of them; languages outside the list are left out of every mean.
    """
    return {
        measure: aggregate_frame(
            scores.frame[scores.frame["measure"] == measure], measure, languages or scores.languages
        )
        for measure in scores.measures
    }


def aggregate_frame(frame: pd.DataFrame, measure: str, languages: Sequence[str]) -> Aggregate:
    """The means of one measure from rows with the columns query, language, value: for rows of several collections."""
    means: dict[str, float | None] = {}
    counts: dict[str, int] = {}
    total = 0.0
    for language in languages:
        values = frame.loc[frame["language"] == language, "value"].to_numpy(dtype=float)
        counts[language] = len(values)
        means[language] = float(values.mean()) if len(values) else None
        total += float(values.sum())
    present = [mean for mean in means.values() if mean is not None]
    whole = bool(means) and len(present) == len(means)
    return Aggregate(
        measure,
        means,
        counts,
        macro=sum(present) / len(present) if whole else None,
        micro=total / sum(counts.values()) if whole else None,
    )
