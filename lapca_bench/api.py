"""The Python interface: `evaluate` systems on collections and make tables of what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.experiment.plan import Plan
    from lapca_bench.experiment.runner import Outcome
    from lapca_bench.report.comparison import Display
    from lapca_bench.report.table import Table


@dataclass(frozen=True)
class Evaluation:
    """What came of an evaluation: one outcome per system and collection, and tables of them."""

    plan: Plan
    outcomes: tuple[Outcome, ...]

    def table(self, measure: str | None = None, collection: str | None = None, display: Display | None = None) -> Table:
        """The comparison table of one measure (default: the collection's main one); `print` shows it.

        `collection` is needed where several were evaluated: each makes a table of its own.
        """
        from lapca_bench.experiment.selection import columns
        from lapca_bench.report.comparison import comparison

        if collection is None and len(self.plan.tables) > 1:
            raise UsageError("several collections were evaluated", remedy=f"name one of {', '.join(self.plan.tables)}")
        name = collection or next(iter(self.plan.tables))
        if name not in self.plan.tables:
            raise unknown_name("collection of this evaluation:", name, self.plan.tables)
        members = self.plan.tables[name]
        results = [
            outcome.result
            for outcome in self.outcomes
            if outcome.result is not None and outcome.cell.collection in members
        ]
        return comparison(results, measure, columns(members, results), name, display)

    @property
    def frame(self) -> pd.DataFrame:
        """All scores as rows of system, collection, query, language, measure, value."""
        import pandas as pd

        parts = [
            outcome.result.scores.assign(system=outcome.result.system, collection=outcome.result.collection)
            for outcome in self.outcomes
            if outcome.result is not None
        ]
        columns = ["system", "collection", "query", "language", "measure", "value"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def evaluate(
    systems: Sequence[Any],
    collections: Sequence[str],
    measures: Sequence[str] = (),
    split: str | None = None,
    depth: int | None = None,
    results: Path | str = DEFAULT_RESULTS,
) -> Evaluation:
    """Evaluate systems on collections; what is in `results` already is not computed again.

    A system is the name of a card, the path of one, or an object: anything with `encode(list[str]) -> array`, a
    function that does that, an `Encoder`, or a `System`. A collection is a collection, a group or a family.

    Raises `UsageError` for an unknown name at once. Where a system fails, the others still run and are stored; then its
    error is raised.
    """
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.plan import plan
    from lapca_bench.experiment.runner import Request, Runner
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.store.results import ResultStore

    factory = SystemFactory.of(systems)
    experiment = spec.build(
        {
            "systems": factory.names,
            "collections": tuple(collections),
            "measures": tuple(measures),
            "split": split,
            "depth": depth,
        }
    )
    planned = plan(experiment)
    request = Request(experiment.split, experiment.depth, experiment.measures)
    outcomes = tuple(Runner(factory, ResultStore(Path(results)), request).run(planned.cells))
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return Evaluation(planned, outcomes)
