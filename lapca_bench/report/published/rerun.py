"""What has to be run for a table of published numbers: systems that stand beside its rows, on its collections."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.experiment.spec import Experiment, build
from lapca_bench.report.published.published import Published
from lapca_bench.report.published.tables import TableRecipe
from lapca_bench.search import registry


@dataclass(frozen=True)
class TableWork:
    """One table's work: `systems` by name, and those of them that nothing published is about (`own`)."""

    recipe: TableRecipe
    systems: tuple[str, ...]
    own: tuple[str, ...]
    experiment: Experiment

    @property
    def commands(self) -> Mapping[str, str]:
        """By system, the command that runs its row alone."""
        return {system: command(self.recipe, system) for system in self.systems}


def command(recipe: TableRecipe, system: str) -> str:
    """The command that runs one row of a table."""
    return f"lapca-bench reproduce {shlex.quote(recipe.name)} --run --fetch --rows {shlex.quote(system)}"


def cards_of(recipe: TableRecipe, published: Published) -> Mapping[str, tuple[str, ...]]:
    """By published system of the table, the systems here that stand beside it; none where no card describes it."""
    found: dict[str, tuple[str, ...]] = {}
    for system in dict.fromkeys(value.system for value in recipe.rows_of(published)):
        card = published.systems[system].card
        named = [pair.measured for pair in recipe.pairs if pair.published == system]
        found[system] = tuple(dict.fromkeys(name for name in (card, *named) if name))
    return found


def narrowed(recipe: TableRecipe, published: Published, columns: Iterable[str]) -> TableRecipe:
    """The recipe with these languages only, in its own order; its means, which need every language, go.

    Raises `UsageError` with the nearest names for a language that the table does not have.
    """
    wanted = set(columns)
    if not wanted:
        return recipe
    every = languages_of(recipe, published)
    for name in sorted(wanted - set(every)):
        raise unknown_name(f"column of {recipe.name}", name, every)
    return recipe.model_copy(update={"languages": tuple(x for x in every if x in wanted), "means": ()})


def languages_of(recipe: TableRecipe, published: Published) -> tuple[str, ...]:
    """The languages that are the table's columns."""
    named = {value.language for value in recipe.rows_of(published)} - set(published.means)
    return recipe.languages or tuple(sorted(named))


def rerun(recipe: TableRecipe, published: Published, rows: Sequence[str] = ()) -> TableWork:
    """What to run for a table: `rows` name systems (a card's name or path) or published rows; none means every card.

    Raises `UsageError` where nothing of the table can be measured, or a row is neither.
    """
    if recipe.measured is None:
        raise UsageError(
            f"{recipe.name} cannot be run: {recipe.unmeasured}", remedy="lapca-bench reproduce lists others"
        )
    beside = cards_of(recipe, published)
    known = tuple(dict.fromkeys(card for cards in beside.values() for card in cards))
    systems: dict[str, None] = {}
    for row in rows:
        if row in beside and not beside[row]:
            raise UsageError(f"no card describes the published row {row!r}", remedy=f"cards: {', '.join(known)}")
        systems.update(dict.fromkeys(beside.get(row, (row,))))
    for name in systems:
        if name not in known and "." not in name and name not in registry.cards():
            raise unknown_name("row", name, [*beside, *registry.cards()])
    chosen = tuple(systems) or known
    if not chosen:
        raise UsageError(f"no card describes any row of {recipe.name}", remedy="name systems of yours with --rows")
    measured = recipe.measured
    languages = languages_of(recipe, published)
    experiment = build(
        {
            "systems": chosen,
            "collections": tuple(dict.fromkeys(measured.collection_of(language) for language in languages)),
            "measures": tuple(dict.fromkeys(measured.measures[name] for name in recipe.measures)),
            "split": measured.split,
        }
    )
    return TableWork(recipe, chosen, tuple(name for name in chosen if name not in known), experiment)
