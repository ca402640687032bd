"""Comparison tables: systems down, query languages across, and the mean, from results of one collection or group.

A table is refused rather than filled with numbers that do not compare: two versions of a collection, two splits, two
depths, or two collections that would fill the same column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from lapca_bench.errors import UsageError
from lapca_bench.experiment.columns import Place, by_query_language
from lapca_bench.report.table import Column, Row, Table, TableCell, letters, ranked
from lapca_bench.scoring.measures import parse, parse_mean
from lapca_bench.scoring.observations import Float64, data_set, observations_of, summed, translations
from lapca_bench.scoring.significance import (
    DEFAULT_TEST,
    SAMPLES,
    SEED,
    TESTS,
    Settings,
    Test,
    holm,
    intervals,
    p_values,
)

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.store.results import Result, StoredResult

    Scored = Result | StoredResult

MEAN = "mean"


@dataclass(frozen=True)
class Display:
    """What stands beside the means.

    `significance`: the columns that are tested, by `test` at level `alpha`; `order`: rows as given, or by the mean
    (highest first, systems without one last).
    """

    significance: Literal["mean", "all", "none"] = "mean"
    test: Test = DEFAULT_TEST
    alpha: float = 0.05
    intervals: bool = False
    order: Literal["given", "mean"] = "given"


@dataclass(frozen=True)
class _Line:
    """One system and its values by column, each by the observation that its query belongs to."""

    system: str
    kind: str
    values: Mapping[str, pd.Series[float]]

    def mean(self, label: str) -> float | None:
        values = self.values.get(label)
        return None if values is None or not len(values) else float(values.mean())


def comparison(
    results: Sequence[Scored],
    measure: str | None = None,
    covered: Sequence[Place] = (),
    name: str | None = None,
    display: Display | None = None,
) -> Table:
    """The table of `results` for one measure (default: the first that the collections declare).

    `covered` are the columns that the table must have; one that a system has no result for is "–", and so is its mean.
    Default: those of the results. `name` is what the title calls the collections together. Raises `UsageError` where
    the results do not compare or do not hold the measure.
    """
    if not results:
        raise UsageError("no result to show", remedy="run an experiment first: lapca-bench run --help")
    display = display or Display()
    _refuse_unequal(results)
    covered = covered or by_query_language({result.collection: result.languages for result in results})
    labels = [place.label for place in covered]
    shown = str(parse_mean(measure)) if measure else _main_measure(results)
    average = results[0].provenance.policy.average
    lines = _lines(results, shown, {(place.collection, place.language): place.label for place in covered})
    if display.order == "mean":
        lines.sort(key=lambda line: _standing(line, labels, average))
    columns = [*(Column(label, label or "all") for label in labels), Column(MEAN, MEAN, "mean")]
    observed = [_observations(line, labels, average) for line in lines]
    marks = _letters(lines, labels, observed, display)
    names = letters(len(lines)) if len(lines) > 1 and display.significance != "none" else [""] * len(lines)
    rows = tuple(
        Row(line.system, _cells(line, labels, observed[i], marks[i], display), line.kind, names[i])
        for i, line in enumerate(lines)
    )
    notes = _notes(results, labels, average, display, tested=len(lines) > 1)
    title = f"{shown} on {_title(results, name)}"
    return ranked(Table(title, tuple(columns), rows, notes))


def _standing(line: _Line, labels: Sequence[str], average: str) -> tuple[bool, float, str]:
    observed = _observations(line, labels, average)
    return (observed is None, 0.0 if observed is None else -float(observed.mean()), line.system)


def _main_measure(results: Sequence[Scored]) -> str:
    return str(parse(results[0].provenance.policy.measures[0]))


def _refuse_unequal(results: Sequence[Scored]) -> None:
    """Raise `UsageError` where two results cannot stand in one table."""
    versions: dict[str, tuple[str, str]] = {}
    for result in results:
        found = (result.provenance.collection.version, result.provenance.collection.fingerprint)
        first = versions.setdefault(result.collection, found)
        if first != found:
            what = f"version {first[0]} and {found[0]}" if first[0] != found[0] else "different files"
            raise UsageError(
                f"results on {result.collection} are of {what} of the collection",
                remedy="run all systems on one of them",
            )
    families: dict[str, set[str]] = {}
    for collection, (version, _) in versions.items():
        families.setdefault(_named(collection), set()).add(version)
    for family, found_versions in families.items():
        if len(found_versions) > 1:
            listed = ", ".join(sorted(found_versions))
            raise UsageError(f"results on {family} are of versions {listed}", remedy="run all systems on one version")
    for what, values in (
        ("split", {result.split for result in results}),
        ("depth", {str(result.provenance.depth) for result in results}),
        ("average", {result.provenance.policy.average for result in results}),
    ):
        if len(values) > 1:
            raise UsageError(f"results differ in {what}: {', '.join(sorted(values))}", remedy=f"choose one {what}")


def _lines(results: Sequence[Scored], measure: str, labels: Mapping[tuple[str, str], str]) -> list[_Line]:
    """One line per system, in order of appearance; `labels` gives the column of a collection's language."""
    values: dict[str, dict[str, pd.Series[float]]] = {}
    kinds: dict[str, str] = {}
    for result in results:
        frame = result.scores[result.scores["measure"] == measure]
        if not len(frame):
            scored = ", ".join(dict.fromkeys(result.scores["measure"]))
            raise UsageError(
                f"{result.system} on {result.collection} was not scored by {measure} (scored: {scored})",
                remedy=f"lapca-bench run --measure {measure} … scores its stored run again, without searching",
            )
        own = values.setdefault(result.system, {})
        kinds[result.system] = result.kind
        stated = translations(result.collection, result.provenance.policy.translations)
        for language, rows in frame.groupby("language", sort=False):
            label = labels.get((result.collection, str(language)))
            if label is None:
                continue
            if label in own:
                raise UsageError(f"two results of {result.system} on {result.collection}", remedy="show one of them")
            own[label] = rows["value"].set_axis(observations_of(list(rows["query"]), stated, result.collection))
    return [_Line(system, kinds[system], of_label) for system, of_label in values.items()]


def _observations(line: _Line, labels: Sequence[str], average: str) -> pd.Series[float] | None:
    """Values whose plain mean is the system's mean, one per observation; None where a column is missing.

    For the macro mean every query is weighted by 1 / columns / queries of its column.
    """
    import pandas as pd

    parts = [line.values[label] for label in labels if label in line.values and len(line.values[label])]
    if len(parts) < len(labels):
        return None
    together = pd.concat(parts)
    shares = [1 / len(parts) / len(part) if average == "macro" else 1 / len(together) for part in parts]
    weights = np.repeat(shares, [len(part) for part in parts])
    names, values = summed(list(together.index), weights, np.asarray([together], dtype=np.float64))
    return pd.Series(values[0], names)


def _cells(
    line: _Line,
    labels: Sequence[str],
    observed: pd.Series[float] | None,
    marks: Mapping[str, tuple[str, ...]],
    display: Display,
) -> tuple[TableCell, ...]:
    cells = [_cell(line.mean(label), line.values.get(label), marks.get(label, ()), display) for label in labels]
    mean = None if observed is None else float(observed.mean())
    return (*cells, _cell(mean, observed, marks.get(MEAN, ()), display))


def _cell(mean: float | None, values: pd.Series[float] | None, marks: tuple[str, ...], display: Display) -> TableCell:
    if mean is None or values is None or not display.intervals:
        return TableCell(mean, better_than=marks)
    low, high = intervals(np.asarray([values], dtype=np.float64), level=1 - display.alpha)[0]
    return TableCell(mean, better_than=marks, interval=(float(low), float(high)))


def _letters(
    lines: Sequence[_Line], labels: Sequence[str], observed: Sequence[pd.Series[float] | None], display: Display
) -> list[dict[str, tuple[str, ...]]]:
    """For each row and column the letters of the rows that it is significantly better than.

    One family: Holm's correction runs over every pair of every tested column.
    """
    marks: list[dict[str, tuple[str, ...]]] = [{} for _ in lines]
    if display.significance == "none" or len(lines) < 2:
        return marks
    settings = Settings(display.test, display.alpha)

    tested: dict[str, list[pd.Series[float] | None]] = {}
    if display.significance == "all":
        tested = {label: [line.values.get(label) for line in lines] for label in labels}
    tested[MEAN] = list(observed)
    pairs: list[tuple[str, int, int]] = []
    uncorrected: list[float] = []
    ahead: list[bool] = []
    for column, values in tested.items():
        for i, j in combinations(range(len(lines)), 2):
            first, second = values[i], values[j]
            if first is None or second is None:
                continue
            difference = _difference(first, second)
            if difference is None:
                continue
            pairs.append((column, i, j))
            uncorrected.append(float(p_values(difference[None], settings)[0]))
            ahead.append(float(difference.mean()) > 0)
    names = letters(len(lines))
    for (column, i, j), p, first_ahead in zip(pairs, holm(np.asarray(uncorrected)), ahead, strict=True):
        if p < display.alpha:
            better, worse = (i, j) if first_ahead else (j, i)
            marks[better][column] = (*marks[better].get(column, ()), names[worse])
    return marks


def _difference(first: pd.Series[float], second: pd.Series[float]) -> Float64 | None:
    """Paired differences; None where the two were not scored on the same queries, so that no paired test applies.

    That happens for measures that leave out a system's unanswered queries, as XOR-Retrieve's official script does.
    """
    if len(first) != len(second) or set(first.index) != set(second.index):
        return None
    return np.asarray(first.to_numpy() - second.reindex(first.index).to_numpy(), dtype=np.float64)


def _named(collection: str) -> str:
    """What a version is of: the data set, or one's own collection, of which each has a version of its own."""
    return collection if collection.startswith("files/") else data_set(collection)


def _title(results: Sequence[Scored], name: str | None) -> str:
    """The collection's name, or what several are called together; never the path of a card."""
    collections = dict.fromkeys(result.collection for result in results)
    if len(collections) == 1 and (name is None or name.endswith(".toml")):
        return next(iter(collections))
    families = dict.fromkeys(_named(collection) for collection in collections)
    return name or f"{', '.join(families)} ({len(collections)} collections)"


def _notes(
    results: Sequence[Scored], labels: Sequence[str], average: str, display: Display, *, tested: bool
) -> tuple[str, ...]:
    versions = {_named(result.collection): result.provenance.collection.version for result in results}
    first = results[0]
    listed = ", ".join(f"{family} {version}" for family, version in versions.items())
    macro = "one column" if len(labels) == 1 else f"{len(labels)} columns"
    extent = f"macro over {macro}" if average == "macro" else "micro over all queries"
    notes = [
        (
            f"{listed}; split {first.split}; depth {first.provenance.depth}; in percent; mean: {extent}; "
            "order of ties: document id, descending."
        )
    ]
    if prompts := _prompts(results):
        notes.append(prompts)
    recalls = [(recall, r.system) for r in results if (recall := r.provenance.recall) is not None]
    for system in dict.fromkeys(system for _, system in recalls):
        found = min((recall for recall, name in recalls if name == system), key=lambda recall: recall.recall)
        notes.append(
            f"{system} is approximate: of the first {found.at} documents of an exact search it found "
            f"{found.recall:.1%} (where it found least; {found.queries} queries)."
        )
    if tested and display.significance != "none":
        where = "the mean" if display.significance == "mean" else "every column"
        notes.append(
            f"Letters: significantly better than that row ({TESTS[display.test]} on {where}, translations of one query "
            f"taken as one observation, Holm over all pairs shown, p < {display.alpha:g})."
        )
    if display.intervals:
        notes.append(f"Brackets: {1 - display.alpha:.0%} bootstrap interval ({SAMPLES:,} samples, seed {SEED}).")
    return tuple(notes)


def _prompts(results: Sequence[Scored]) -> str:
    """Which prompts the rows were made with, where models may have others than for queries and documents."""
    if not any(result.provenance.policy.task == "bitext" for result in results):
        return ""
    of_system: dict[str, dict[str, None]] = {}
    for result in results:
        for query, document in result.provenance.prompts.values():
            same = f'"{query}"' if query == document else f'"{query}" and "{document}"'
            of_system.setdefault(result.system, {})[same if query or document else "none"] = None
    listed = "; ".join(f"{system} {', '.join(prompts)}" for system, prompts in of_system.items())
    return f"Prompts before texts: {listed}." if listed else ""
