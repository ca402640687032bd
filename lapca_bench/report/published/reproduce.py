"""Published beside measured: reported, measured, difference and a verdict for every cell of a recipe's table.

A measured number matches when it rounds to the digits that were printed, is close within the recipe's number of points,
and differs otherwise. What was not measured says why: no card, no result yet, or a corpus that is not on this machine.
Published numbers are never corrected and measured ones never replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import fsum
from typing import Literal

from lapca_bench.collections import registry
from lapca_bench.collections.family import Presence
from lapca_bench.errors import UsageError
from lapca_bench.report.published.published import OVER_QUERIES, Note, Published, PublishedValue
from lapca_bench.report.published.rerun import cards_of, command
from lapca_bench.report.published.tables import Counterpart, TableRecipe
from lapca_bench.store.results import Facts, newest

Verdict = Literal["match", "close", "differs", "not run"]
Status = Callable[[str], Presence]

EPSILON = 1e-9  # points
ABSENT = "corpus absent"


@dataclass(frozen=True)
class ReproducedCell:
    """One language (or mean) of one row. Values and the difference are in points (percent)."""

    language: str
    reported: PublishedValue | None
    measured: float | None
    verdict: Verdict
    close: float

    @property
    def difference(self) -> float | None:
        """Measured minus reported, None where either is missing."""
        if self.reported is None or self.measured is None:
            return None
        return self.measured - self.reported.value


@dataclass(frozen=True)
class ReproducedRow:
    """One published system on one measure, and the measured system that stands beside it ("" where there is none).

    `why` says why nothing was measured, `note` where the measured system is not quite the published one.
    """

    system: str
    setting: str
    measure: str
    measured_system: str
    cells: tuple[ReproducedCell, ...]
    why: str
    note: str

    def counts(self) -> dict[Verdict, int]:
        """How many cells have each verdict, cells without a published number left out."""
        found: dict[Verdict, int] = {}
        for cell in self.cells:
            if cell.reported is not None:
                found[cell.verdict] = found.get(cell.verdict, 0) + 1
        return found


@dataclass(frozen=True)
class Reproduction:
    """A recipe's table with everything in it: `languages` then `means` are the columns."""

    recipe: TableRecipe
    languages: tuple[str, ...]
    means: tuple[str, ...]
    rows: tuple[ReproducedRow, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Languages, then means."""
        return (*self.languages, *self.means)


@dataclass(frozen=True)
class LanguageMean:
    """The mean over the queries of one language, a fraction, and how many they are."""

    value: float
    queries: int


class MeasuredScores:
    """Means of measured results, by system, collection, split, measure and language. Values are fractions."""

    def __init__(self, results: Iterable[Facts]) -> None:
        self._newest = newest(results)

    @property
    def systems(self) -> frozenset[str]:
        """Names of the systems that have a result."""
        return frozenset(facts.system for facts in self._newest.values())

    def mean(self, system: str, recipe: TableRecipe, measure: str, language: str) -> LanguageMean | None:
        """The mean of one language under the recipe's mapping; None where it was not measured."""
        measured = recipe.measured
        if measured is None:
            return None
        facts = self._newest.get((system, measured.collection_of(language), measured.split))
        wanted = (measured.measures[measure], measured.language(language))
        for found in () if facts is None else facts.aggregates:
            if (found["measure"], found["language"]) == wanted and found["mean"] is not None:
                return LanguageMean(found["mean"], found["queries"])
        return None


def reproduce(
    recipe: TableRecipe,
    published: Published,
    results: Iterable[Facts],
    status: Status = registry.status,
    own: Sequence[str] = (),
) -> Reproduction:
    """The recipe's published rows beside what was measured.

    `status` says whether a collection is on this machine; `own` names measured systems that get rows although nothing
    is published of them. Raises `UsageError` where nothing published fits the recipe.
    """
    chosen = _chosen(recipe, published)
    languages = recipe.languages or tuple(sorted({v.language for v in chosen} - set(published.means)))
    means = tuple(mean for mean in recipe.means if any(v.language == mean for v in chosen))
    measured = MeasuredScores(results)
    absent = _absent(recipe, languages, status)
    rows = tuple(
        _row(recipe, published, measured, _Line(system, measure, values, pair), (languages, means), absent)
        for system, values in _by_system(recipe, chosen)
        for measure in recipe.measures
        for pair in _pairs(recipe, published, measured, system)
        if any(value.measure == measure for value in values)
    )
    rows += tuple(
        _row(
            recipe,
            published,
            measured,
            _Line(system, measure, (), Counterpart(published=system, measured=system)),
            (languages, means),
            absent,
        )
        for system in own
        for measure in recipe.measures
    )
    return Reproduction(recipe, languages, means, rows, tuple(_notes(recipe, published, chosen, rows, absent)))


def _chosen(recipe: TableRecipe, published: Published) -> tuple[PublishedValue, ...]:
    chosen = recipe.rows_of(published)
    if not chosen:
        tables = sorted({" ".join(value.table) for value in published.of_collection(recipe.collection)})
        raise UsageError(f"nothing published fits the recipe {recipe.name!r}", remedy=f"published: {', '.join(tables)}")
    missing = set(recipe.systems) - {value.system for value in chosen}
    if missing:
        raise UsageError(f"recipe {recipe.name!r} names systems that are not published: {', '.join(sorted(missing))}")
    return chosen


def _by_system(recipe: TableRecipe, chosen: Sequence[PublishedValue]) -> list[tuple[str, tuple[PublishedValue, ...]]]:
    """Systems in the order of the recipe, or of its blocks, or of the file."""
    grouped: dict[str, list[PublishedValue]] = {}
    for value in chosen:
        grouped.setdefault(value.system, []).append(value)
    order = {name: place for place, name in enumerate(recipe.systems or recipe.blocks)}

    def place(item: tuple[str, list[PublishedValue]]) -> int:
        name, values = item
        return order.get(name if recipe.systems else values[0].setting, len(order))

    return [(name, tuple(values)) for name, values in sorted(grouped.items(), key=place)]


def _pairs(recipe: TableRecipe, published: Published, measured: MeasuredScores, system: str) -> list[Counterpart]:
    """The measured systems beside a published one: those the recipe names, else the one its card describes."""
    named = [pair for pair in recipe.pairs if pair.published == system]
    card = published.systems[system].card
    if card and card in measured.systems and all(pair.measured != card for pair in named):
        named.insert(0, Counterpart(published=system, measured=card))
    return named or [Counterpart(published=system, measured=card or "none")]


@dataclass(frozen=True)
class _Line:
    """What one row is made of."""

    system: str
    measure: str
    values: tuple[PublishedValue, ...]
    pair: Counterpart


def _row(
    recipe: TableRecipe,
    published: Published,
    measured: MeasuredScores,
    line: _Line,
    columns: tuple[tuple[str, ...], tuple[str, ...]],
    absent: Mapping[str, Presence],
) -> ReproducedRow:
    languages, means = columns
    reported: dict[str, PublishedValue] = {}
    for value in line.values:
        if value.measure == line.measure:
            finest = reported.get(value.language)
            reported[value.language] = value if finest is None or value.decimals > finest.decimals else finest
    beside = line.pair.measured
    found = {language: measured.mean(beside, recipe, line.measure, language) for language in languages}
    points = {language: None if mean is None else mean.value for language, mean in found.items()}
    for mean in means:
        parts = [found[language] for language in published.means[mean] or languages if language in found]
        points[mean] = _mean(parts, over_queries=mean == OVER_QUERIES)
    cells = tuple(_cell(recipe, column, reported.get(column), points[column]) for column in (*languages, *means))
    ran = any(cell.measured is not None for cell in cells)
    return ReproducedRow(
        system=line.system,
        setting=line.values[0].setting if line.values else "measured",
        measure=line.measure,
        measured_system=beside if ran else "",
        cells=cells,
        why="" if ran else _why(recipe, line, absent),
        note=line.pair.note,
    )


def _mean(parts: Sequence[LanguageMean | None], *, over_queries: bool) -> float | None:
    """The mean of the languages, or over all their queries; None while one is missing: it never shrinks in silence."""
    present = [part for part in parts if part is not None]
    weights = [part.queries if over_queries else 1 for part in present]
    if not sum(weights) or len(present) < len(parts):
        return None
    return fsum(part.value * weight for part, weight in zip(present, weights, strict=True)) / sum(weights)


def _cell(
    recipe: TableRecipe, language: str, reported: PublishedValue | None, fraction: float | None
) -> ReproducedCell:
    measured = None if fraction is None else 100.0 * fraction
    verdict: Verdict = "not run"
    if reported is not None and measured is not None:
        distance = abs(measured - reported.value)
        half_unit = 0.5 * 10.0**-reported.decimals
        close = distance <= recipe.tolerance(language) + EPSILON
        verdict = "match" if distance <= half_unit + EPSILON else "close" if close else "differs"
    return ReproducedCell(language, reported, measured, verdict, recipe.tolerance(language))


def _why(recipe: TableRecipe, line: _Line, absent: Mapping[str, Presence]) -> str:
    """One clause that says what stands between this row and a measured one."""
    if recipe.measured is None:
        return recipe.unmeasured
    if absent:
        return ABSENT
    if line.pair.measured == "none":
        return "no card describes this system"
    return f"no result of {line.pair.measured} yet"


def _absent(recipe: TableRecipe, languages: Sequence[str], status: Status) -> dict[str, Presence]:
    """The collections of the table that are not on this machine."""
    if recipe.measured is None:
        return {}
    names = dict.fromkeys(recipe.measured.collection_of(language) for language in languages)
    found = {name: status(name) for name in names}
    return {name: presence for name, presence in found.items() if not presence.present}


def _notes(
    recipe: TableRecipe,
    published: Published,
    chosen: Sequence[PublishedValue],
    rows: Sequence[ReproducedRow],
    absent: Mapping[str, Presence],
) -> Iterator[str]:
    yield f"{recipe.collection}, {recipe.protocol}, {recipe.split}. Values in percent."
    if recipe.note:
        yield recipe.note
    if any(row.measured_system for row in rows):
        yield (
            "match: equal in the printed digits; close: within "
            f"{recipe.close:g} points{_exceptions(recipe)}; differs: further away; a mean needs every language."
        )
    yield from (shared for row in rows if (shared := _over_shared(row, recipe)))
    for row in dict.fromkeys((row.measured_system, row.note) for row in rows if row.measured_system and row.note):
        yield f"{row[0]}: {row[1]}"
    for name, presence in list(absent.items())[:1] if any(row.why == ABSENT for row in rows) else ():
        rest = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        yield f"corpus absent: {name}{rest}: {presence.reason}. To get it: {presence.remedy}"
    yield from _commands(recipe, published, rows)
    yield from (
        f"{note.flag}: {', '.join(systems)}: {note.text}" for note, systems in _remarks(published, chosen).values()
    )
    sources = dict.fromkeys(published.sources[value.source].title for value in chosen)
    yield f"sources: {'; '.join(sources)}."
    if any(row.measured_system for row in rows):
        yield f"to cite: the sources for what is reported; lapca-bench {version('lapca-bench')} for what is measured."


def _commands(recipe: TableRecipe, published: Published, rows: Sequence[ReproducedRow]) -> Iterator[str]:
    """For every row that was not run and that a card describes, the command that runs it."""
    if recipe.measured is None or not recipe.name:
        return
    beside = cards_of(recipe, published)
    for system in dict.fromkeys(row.system for row in rows if not row.measured_system):
        for card in beside.get(system, ()):
            yield f"to run {system}: {command(recipe, card)}"


def _exceptions(recipe: TableRecipe) -> str:
    """The columns with a tolerance of their own, in words."""
    own = ", ".join(f"{points:g} for {column}" for column, points in recipe.tolerances.items())
    return f" ({own})" if own else ""


def _over_shared(row: ReproducedRow, recipe: TableRecipe) -> str:
    """The means over the languages that were both published and measured; "" where that is none."""
    means = set(recipe.means)
    both = [cell for cell in row.cells if cell.language not in means and cell.difference is not None]
    if not both:
        return ""
    reported = fsum(cell.reported.value for cell in both if cell.reported is not None) / len(both)
    measured = fsum(cell.measured for cell in both if cell.measured is not None) / len(both)
    return (
        f"{row.measured_system} beside {row.system}, {row.measure}: over the {len(both)} languages that both have, "
        f"reported {reported:.2f}, measured {measured:.2f}, difference {measured - reported:+.2f}."
    )


def _remarks(published: Published, chosen: Sequence[PublishedValue]) -> dict[str, tuple[Note, dict[str, None]]]:
    """Each note that a chosen number carries, with the systems it is about."""
    remarks: dict[str, tuple[Note, dict[str, None]]] = {}
    for value in chosen:
        if value.note:
            _, systems = remarks.setdefault(value.note, (published.notes[value.note], {}))
            systems[value.system] = None
    return remarks
