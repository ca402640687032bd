"""From published numbers and measured results to boards.

A recipe makes a board of its published rows and of every system measured on its collections. Results that no recipe
covers make boards of their own: one per group of collections ("help-pages/xx-en"), one per pool of several question
languages, so that no column and no mean runs over tasks that differ in kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lapca_bench.errors import UsageError
from lapca_bench.report.board.cost import cost_of
from lapca_bench.report.board.model import Board, Citation, Entry, Score, Standing, Task
from lapca_bench.report.board.rank import by_queries, stand
from lapca_bench.report.board.surroundings import Surroundings, kind_of
from lapca_bench.report.published.published import OVER_QUERIES, Published, PublishedValue
from lapca_bench.report.published.tables import TableRecipe
from lapca_bench.scoring.observations import observations_of, translations
from lapca_bench.store.results import StoredResult, newest

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE_CHARACTERS = 12


@dataclass(frozen=True)
class _Place:
    """Where the measured values of a column are: a collection, a language code in its results, and their measures."""

    task: Task
    collection: str
    language: str
    measures: Mapping[str, str]  # the board's name of a measure → the result's


def provenance_key(result: StoredResult) -> str:
    """The name of a measured result on the pages."""
    return f"r-{result.key[:PROVENANCE_CHARACTERS]}"


def boards(
    recipes: Iterable[TableRecipe], published: Published, results: Sequence[StoredResult], around: Surroundings
) -> list[Board]:
    """All boards: those of the recipes, then those of measured results that no recipe covers."""
    current = list(newest(results).values())
    made = [recipe_board(recipe, published, current, around) for recipe in recipes]
    covered = {(task.collection, board.split) for board in made for task in board.tasks if task.collection}
    rest = [result for result in current if (result.collection, result.split) not in covered]
    return [*made, *measured_boards(rest, around)]


def recipe_board(
    recipe: TableRecipe, published: Published, results: Sequence[StoredResult], around: Surroundings
) -> Board:
    """The board of a recipe; raises `UsageError` where nothing published fits it."""
    values = recipe.rows_of(published)
    if not values:
        raise UsageError(f"nothing published fits the recipe {recipe.name!r}")
    languages = recipe.languages or tuple(sorted({value.language for value in values} - set(published.means)))
    measured = recipe.measured
    places = [
        _Place(
            Task(language, language, language, measured.collection_of(language) if measured else ""),
            measured.collection_of(language) if measured else "",
            measured.language(language) if measured else language,
            measured.measures if measured else {},
        )
        for language in languages
    ]
    citations = _citations(values, published)
    reported = [_reported(system, own, citations, recipe, published) for system, own in _by_system(values).items()]
    split = measured.split if measured else recipe.split
    entries, tasks = _measured(places, [r for r in results if r.split == split], recipe.measures, around)
    for measure in recipe.measures:
        reported = stand(reported, {}, measure, tasks)
    notes = [recipe.note] if recipe.note else []
    over_queries = dict.fromkeys(value.system for value in values if value.language == OVER_QUERIES)
    if over_queries and len(over_queries) < len({value.system for value in values}):
        notes.append(f"Their source takes the mean over all questions, not over languages: {', '.join(over_queries)}.")
    notes += [pair.note for pair in recipe.pairs if pair.note and any(e.system == pair.measured for e in entries)]
    notes += [
        f"{note.flag}: {', '.join(dict.fromkeys(v.system for v in values if v.note == key))}: {note.text}"
        for key, note in published.notes.items()
        if any(value.note == key for value in values)
    ]
    return Board(
        name=recipe.name,
        title=recipe.title,
        collection=recipe.collection,
        protocol=published.protocols[recipe.protocol],
        split=recipe.split,
        measures=recipe.measures,
        tasks=tasks,
        entries=[*entries, *reported],
        notes=notes,
        citations=dict(citations.values()),
    )


def _by_system(values: Iterable[PublishedValue]) -> dict[str, list[PublishedValue]]:
    found: dict[str, list[PublishedValue]] = {}
    for value in values:
        found.setdefault(value.system, []).append(value)
    return found


def _citations(values: Iterable[PublishedValue], published: Published) -> dict[tuple[str, str], tuple[str, Citation]]:
    """(source, place) → the key of its citation on the page, and the citation."""
    places = dict.fromkeys((value.source, value.place) for value in values)
    return {
        (source, place): (f"c{number}", Citation(published.sources[source].title, place, published.sources[source].url))
        for number, (source, place) in enumerate(places, start=1)
    }


def _reported(
    system: str,
    values: Sequence[PublishedValue],
    citations: Mapping[tuple[str, str], tuple[str, Citation]],
    recipe: TableRecipe,
    published: Published,
) -> Entry:
    scores: dict[tuple[str, str], Score] = {}
    standings: dict[str, Standing] = {}
    finest = sorted(values, key=lambda value: value.decimals)  # a later, finer number replaces a coarser one
    for value in finest:
        key, _ = citations[value.source, value.place]
        if value.language == recipe.means[-1] or (value.language in published.means and value.measure not in standings):
            standings[value.measure] = Standing(printed=value.fraction)
        elif value.language not in published.means:
            scores[value.measure, value.language] = Score(value.fraction, key, digits=value.decimals)
    about = published.systems[system]
    return Entry(system, about.kind, values[0].setting, "reported", scores, standings, card=about.card)


def measured_boards(results: Sequence[StoredResult], around: Surroundings) -> Iterator[Board]:
    """One board per group of collections of one question language each, and one per pool of several."""
    groups: dict[tuple[str, str], list[StoredResult]] = {}
    for result in results:
        pooled = len(result.languages) > 1
        name = result.collection if pooled else around.group_of(result.collection)
        groups.setdefault((name, result.split), []).append(result)
    for (name, split), members in groups.items():
        yield _measured_board(name, split, members, around)


def _measured_board(name: str, split: str, results: Sequence[StoredResult], around: Surroundings) -> Board:
    columns = dict.fromkeys((result.collection, language) for result in results for language in result.languages)
    shared = len({language for _, language in columns}) < len(columns)
    every = [set(_scored(result)) for result in results]
    measures = [m for m in _scored(results[0]) if all(m in some for some in every)] or list(_scored(results[0]))
    same = {measure: measure for measure in measures}
    places = [
        _Place(_task(collection, language, shared=shared), collection, language, same)
        for collection, language in columns
    ]
    entries, tasks = _measured(places, results, measures, around)
    version = results[0].provenance.collection.version or "not recorded"
    return Board(
        name=f"{name}-{split}".replace("/", "-"),
        title=around.titles.get(name, name) + ("" if split == "test" else f", {split} split"),
        collection=name,
        protocol=f"version {version}",
        split=split,
        measures=measures,
        tasks=tasks,
        entries=entries,
        notes=(),
    )


def _task(collection: str, language: str, *, shared: bool) -> Task:
    """A column by its language, or by its collection where two collections ask in one language."""
    subset = collection.partition("/")[2] or collection
    return Task(f"{collection} {language}", subset if shared else language or subset, language, collection)


def _scored(result: StoredResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(aggregate["measure"] for aggregate in result.aggregates))


def _measured(
    places: Sequence[_Place], results: Sequence[StoredResult], measures: Sequence[str], around: Surroundings
) -> tuple[list[Entry], list[Task]]:
    """The measured entries with their standings, and the tasks with their numbers of queries."""
    wanted = {place.collection for place in places if place.collection}
    own: dict[str, dict[str, StoredResult]] = {}
    for result in results:
        if result.collection in wanted:
            own.setdefault(result.system, {})[result.collection] = result
    values = [_values(of_collection, places, measures) for of_collection in own.values()]
    tasks = [replace(place.task, queries=_queries(place.task, values)) for place in places]
    bounds = _intervals(values, tasks)
    entries = []
    for number, of_collection in enumerate(own.values()):
        some = list(of_collection.values())
        collection_of = {place.task.key: place.collection for place in places}
        scores = {
            (measure, key): Score(
                float(series.mean()), provenance_key(of_collection[collection_of[key]]), bounds[number, measure, key]
            )
            for (measure, key), series in values[number].items()
        }
        setting = around.setting(some[0])
        kind = kind_of(some[0])
        entries.append(Entry(some[0].system, kind, setting, "measured", scores, {}, some, cost_of(some)))
    per_query = dict(enumerate(values))
    for measure in measures:
        entries = stand(entries, per_query, measure, tasks)
    return entries, tasks


def _values(
    results: Mapping[str, StoredResult], places: Sequence[_Place], measures: Sequence[str]
) -> dict[tuple[str, str], pd.Series[float]]:
    """(measure, task key) → values by observation, in order, for the tasks that have results."""
    found: dict[tuple[str, str], pd.Series[float]] = {}
    groups = {name: _by_measure_and_language(result) for name, result in results.items()}
    for place in places:
        for measure in measures:
            values = groups.get(place.collection, {}).get((place.measures.get(measure, measure), place.language))
            if values is not None:
                found[measure, place.task.key] = values
    return found


def _by_measure_and_language(result: StoredResult) -> dict[tuple[str, str], pd.Series[float]]:
    import pandas as pd

    stated = translations(result.collection, result.provenance.policy.translations)
    codes, queries = pd.factorize(result.scores["query"])
    names = pd.Index(observations_of(queries.tolist(), stated, result.collection)).take(codes)
    groups = result.scores.set_axis(names).groupby(["measure", "language"], sort=False)["value"]
    return {(str(measure), str(language)): values.sort_index() for (measure, language), values in groups}


def _queries(task: Task, values: Sequence[Mapping[tuple[str, str], pd.Series[float]]]) -> int | None:
    lengths = [len(series) for some in values for (_, key), series in some.items() if key == task.key]
    return max(lengths, default=None)


def _intervals(
    values: Sequence[Mapping[tuple[str, str], pd.Series[float]]], tasks: Sequence[Task]
) -> dict[tuple[int, str, str], tuple[float, float]]:
    """Bootstrap intervals of every cell. Cells of one task that share their queries are resampled together, once."""
    import numpy as np

    from lapca_bench.scoring.significance import intervals

    found: dict[tuple[int, str, str], tuple[float, float]] = {}
    for task in tasks:
        cells = [
            (number, measure, series)
            for number, some in enumerate(values)
            for (measure, key), series in some.items()
            if key == task.key
        ]
        groups: dict[int, list[tuple[int, str, pd.Series[float]]]] = {}
        for which, cell in zip(by_queries(series.index for _, _, series in cells), cells, strict=True):
            groups.setdefault(which, []).append(cell)
        for group in groups.values():
            bounds = intervals(np.vstack([series.to_numpy(dtype=float) for _, _, series in group]))
            for (number, measure, _), (low, high) in zip(group, bounds, strict=True):
                found[number, measure, task.key] = (float(low), float(high))
    return found
