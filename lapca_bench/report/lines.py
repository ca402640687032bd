"""What a comparison is made of: one line per system, its values by column and by observation.

Refused are numbers that do not compare: two versions of a collection, two splits, two depths, or two collections that
would fill the same column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lapca_bench.errors import UsageError
from lapca_bench.experiment.columns import Place, by_query_language
from lapca_bench.scoring.measures import parse_mean
from lapca_bench.scoring.observations import data_set, observations_of, summed, translations

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.store.results import Result, StoredResult

    Scored = Result | StoredResult


@dataclass(frozen=True)
class Line:
    """One system and its values by column, each by the observation that its query belongs to."""

    system: str
    kind: str
    values: Mapping[str, pd.Series[float]]

    def mean(self, label: str) -> float | None:
        """The mean of one column, or None."""
        values = self.values.get(label)
        return None if values is None or not len(values) else float(values.mean())


@dataclass(frozen=True)
class Lines:
    """The lines of a comparison by one measure, and `observed`: beside each its observations over all columns.

    The plain mean of a system's observations is its mean over the columns `labels`; None where one is missing.
    """

    measure: str
    labels: Sequence[str]
    average: str
    lines: Sequence[Line]
    observed: Sequence[pd.Series[float] | None]

    def ordered(self, order: Literal["given", "mean"]) -> Lines:
        """As given, or by the mean: the highest first, systems without one last."""
        if order == "given":
            return self

        def standing(place: int) -> tuple[bool, float, str]:
            observed = self.observed[place]
            return observed is None, 0.0 if observed is None else -float(observed.mean()), self.lines[place].system

        places = sorted(range(len(self.lines)), key=standing)
        chosen = [self.lines[place] for place in places], [self.observed[place] for place in places]
        return Lines(self.measure, self.labels, self.average, *chosen)


def lines_of(results: Sequence[Scored], measure: str | None = None, covered: Sequence[Place] = ()) -> Lines:
    """The lines of `results`, one per system in order of appearance, by one measure (default: the collections' main).

    `covered` are the columns (default: those of the results). Raises `UsageError` where the results do not compare or
    do not hold the measure.
    """
    if not results:
        raise UsageError("no result to show", remedy="run an experiment first: lapca-bench run --help")
    refuse_unequal(results)
    covered = covered or by_query_language({result.collection: result.languages for result in results})
    labels = [place.label for place in covered]
    shown = str(parse_mean(measure or results[0].provenance.policy.measures[0]))
    average = results[0].provenance.policy.average
    lines = _lines(results, shown, {(place.collection, place.language): place.label for place in covered})
    return Lines(shown, labels, average, lines, [_observations(line, labels, average) for line in lines])


def refuse_unequal(results: Sequence[Scored]) -> None:
    """Raise `UsageError` where two results cannot stand in one table."""
    for what, values in (
        ("split", {result.split for result in results}),
        ("depth", {str(result.provenance.depth) for result in results}),
        ("average", {result.provenance.policy.average for result in results}),
    ):
        if len(values) > 1:
            remedy = "run all systems on one card" if what == "average" else f"choose one with --{what}"
            raise UsageError(f"results differ in {what}: {', '.join(sorted(values))}", remedy=remedy)
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
        families.setdefault(named(collection), set()).add(version)
    for family, found_versions in families.items():
        if len(found_versions) > 1:
            listed = ", ".join(sorted(found_versions))
            raise UsageError(f"results on {family} are of versions {listed}", remedy="run all systems on one version")


def named(collection: str) -> str:
    """What a version is of: the data set, or one's own collection, of which each has a version of its own."""
    return collection if collection.startswith("files/") else data_set(collection)


def _lines(results: Sequence[Scored], measure: str, labels: Mapping[tuple[str, str], str]) -> list[Line]:
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
    return [Line(system, kinds[system], of_label) for system, of_label in values.items()]


def _observations(line: Line, labels: Sequence[str], average: str) -> pd.Series[float] | None:
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
