"""Checking published numbers against themselves: means recomputed, one cell in two places compared, flags justified.

Rounding bounds what may differ: a mean printed with d decimals over cells printed with c decimals may be off by half a
unit of each. What differs by more is a contradiction in print. A contradiction carries a note flagged "misprint"; one
without a flag, and a flag without a contradiction, are both errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from lapca_bench.report.published.published import Published, PublishedValue

Verdict = Literal["equal", "misprint", "unexplained", "unjustified flag", "unchecked"]

FAILURES: frozenset[Verdict] = frozenset({"unexplained", "unjustified flag"})
EPSILON = 1e-9  # percent; sums of decimal fractions are not exact in binary


@dataclass(frozen=True)
class Checked:
    """One checked number beside what it should equal. Values are in percent."""

    value: PublishedValue
    expected: float | None
    basis: str  # "mean of 11 languages", "also printed in Table 3"
    verdict: Verdict

    @property
    def failed(self) -> bool:
        """Whether the data, rather than the source, needs mending."""
        return self.verdict in FAILURES


def check(published: Published) -> list[Checked]:
    """Every mean and every cell given by two places of one source, with a verdict.

    A mean whose languages are not listed by its place is "unchecked".
    """
    findings = [*_means(published), *_twice(published)]
    contradicted = {id(f.value) for f in findings if f.verdict == "misprint"}
    shared = {_row(f.value) for f in findings if id(f.value) in contradicted}
    idle = [
        Checked(value, None, published.notes[value.note].text, "unjustified flag")
        for value in published.values
        if _flagged(published, value) and _row(value) not in shared
    ]
    return [*findings, *idle]


def _row(value: PublishedValue) -> tuple[str, ...]:
    """What a mean and its languages share."""
    return (*value.table, value.system, value.measure, value.source, value.place)


def _flagged(published: Published, value: PublishedValue) -> bool:
    return bool(value.note) and published.notes[value.note].flag == "misprint"


def _slack(*decimals: int) -> float:
    return fsum(0.5 * 10.0**-count for count in decimals) + EPSILON


def _verdict(published: Published, flagged: PublishedValue, difference: float, slack: float) -> Verdict:
    if abs(difference) <= slack:
        return "equal"
    return "misprint" if _flagged(published, flagged) else "unexplained"


def _means(published: Published) -> Iterator[Checked]:
    rows: dict[tuple[str, ...], dict[str, PublishedValue]] = defaultdict(dict)
    for value in published.values:
        if value.kind != "derived":
            rows[_row(value)][value.language] = value
    for value in published.values:
        if value.language not in published.means:
            continue
        cells = _cells(value, rows[_row(value)], published.means)
        if not cells:
            yield Checked(value, None, "its languages are not listed by this place", "unchecked")
            continue
        mean = fsum(cell.value for cell in cells) / len(cells)
        slack = _slack(value.decimals, max(cell.decimals for cell in cells))
        verdict = _verdict(published, value, value.value - mean, slack)
        yield Checked(value, mean, f"mean of {len(cells)} languages", verdict)


def _cells(
    mean: PublishedValue, row: Mapping[str, PublishedValue], means: Mapping[str, Sequence[str]]
) -> list[PublishedValue]:
    """The languages that a mean is over; empty where its place does not list all of them."""
    listed = [cell for language, cell in row.items() if language not in means]
    wanted = means[mean.language]
    if wanted:
        cells = [row[language] for language in wanted if language in row]
        return cells if len(cells) == len(wanted) else []
    count = mean.language.removeprefix("avg")
    if mean.language == "all" or (count and len(listed) != int(count)):
        return []
    return listed


def _twice(published: Published) -> Iterator[Checked]:
    """Numbers that two places of one source give for one cell."""
    for value, other in _pairs(published.values):
        slack = _slack(value.decimals, other.decimals)
        coarse, fine = sorted((value, other), key=lambda v: v.decimals)
        flagged = next((v for v in (coarse, fine) if _flagged(published, v)), coarse)
        verdict = _verdict(published, flagged, value.value - other.value, slack)
        yield Checked(flagged, fine.value, f"also printed in {fine.place}", verdict)


def _pairs(values: Iterable[PublishedValue]) -> Iterator[tuple[PublishedValue, PublishedValue]]:
    first: dict[tuple[str, ...], PublishedValue] = {}
    for value in values:
        cell = (*value.table, value.system, value.measure, value.language, value.source)
        other = first.setdefault(cell, value)
        if other is not value:
            yield other, value
