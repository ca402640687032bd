"""The Python interface: `evaluate` systems on collections and make tables of what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from lapca_bench.experiment.columns import Place
    from lapca_bench.experiment.forecast import Forecast
    from lapca_bench.experiment.plan import Plan
    from lapca_bench.experiment.runner import Outcome, Runner
    from lapca_bench.experiment.spec import Experiment
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.report.pairs import Display
    from lapca_bench.report.table import Table
    from lapca_bench.scoring import Scores
    from lapca_bench.scoring.pairwise import Comparison
    from lapca_bench.search.workspace import Workspace
    from lapca_bench.store.results import StoredResult

    OnOutcome = Callable[[Outcome, int, int], None]  # an outcome, its number from 1 on, how many there will be


@dataclass(frozen=True)
class Evaluation:
    """What came of an evaluation: one outcome per system and collection, and tables of them."""

    plan: Plan
    outcomes: tuple[Outcome, ...]

    def table(self, measure: str | None = None, collection: str | None = None, display: Display | None = None) -> Table:
        """The comparison table of one measure (default: the collection's main one); `print` shows it.

        `collection` is needed where several were evaluated: each makes a table of its own.
        """
        from lapca_bench.report.comparison import comparison

        name, results, places = self._shown(collection)
        return comparison(results, measure, places, name, display)

    def pairs(
        self, measure: str | None = None, collection: str | None = None, display: Display | None = None
    ) -> list[Comparison]:
        """Every pair of systems that the letters of `table` are of, with the figures behind them.

        Each holds the difference, its interval, the effect size, p and corrected p, the number of observations, the
        name of the test, the difference that could have been detected, and, with `Display(margin=...)`, the p-value of
        being as good as each other. `pandas.DataFrame(evaluation.pairs())` makes a data frame of them.
        """
        from lapca_bench.report.lines import lines_of
        from lapca_bench.report.pairs import Display, pairs_of

        _, results, places = self._shown(collection)
        display = display or Display()
        return pairs_of(lines_of(results, measure, places).ordered(display.order), display, bounded=True)

    def _shown(self, collection: str | None) -> tuple[str, list[StoredResult], tuple[Place, ...]]:
        """The name, the results and the columns of one table; "several" without a name is a `UsageError`."""
        from lapca_bench.experiment.selection import columns

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
        return name, results, columns(members, results)

    def tables(self, measures: Sequence[str] = (), display: Display | None = None) -> dict[tuple[str, str], Table]:
        """By name and measure, the table of every collection or group that has a result; "" is the main measure."""
        from lapca_bench.scoring.distinct import once_each

        there = {outcome.cell.collection for outcome in self.outcomes if outcome.result is not None}
        return {
            (name, measure): self.table(measure or None, name, display)
            for name, members in self.plan.tables.items()
            if there.intersection(members)
            for measure in (once_each(measures).values() if measures else ("",))
        }

    @property
    def failed(self) -> int:
        """How many cells failed."""
        return sum(outcome.error is not None for outcome in self.outcomes)

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


@dataclass(frozen=True)
class Job:
    """An experiment that is ready to run: nothing is loaded, encoded or searched before `run` or `forecast`."""

    plan: Plan
    runner: Runner
    systems: SystemFactory

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        results: Path | str = DEFAULT_RESULTS,
        *,
        systems: SystemFactory | None = None,
        workspace: Workspace | None = None,
        keep: int | None = None,
    ) -> Job:
        """The job of an experiment whose results are stored in `results`.

        `systems` makes the systems that the experiment names (default: from cards and files, in `workspace`); `keep`
        stores only the first documents of every query. Raises `UsageError` for an unknown name.
        """
        from lapca_bench.experiment.plan import plan
        from lapca_bench.experiment.runner import Request, Runner
        from lapca_bench.experiment.systems import SystemFactory
        from lapca_bench.store.results import ResultStore

        factory = systems or SystemFactory.of(experiment.systems, workspace)
        planned = plan(experiment)
        request = Request(experiment.split, experiment.depth, experiment.measures, keep)
        runner = Runner(factory, ResultStore(Path(results)), request, factory.recorded, factory.card)
        return cls(planned, runner, factory)

    def forecast(self, *, run_code: bool = False) -> Forecast:
        """What `run` would do with every cell, and what it would have to encode.

        A system that brings Python code in a file is looked at closer with `run_code` only, for that runs the code.
        """
        from lapca_bench.experiment.forecast import forecast

        return forecast(self.plan.cells, self.runner, (lambda _: ()) if run_code else self.systems.foreign_code)

    def run(self, on_outcome: OnOutcome | None = None) -> Evaluation:
        """Run what is not stored yet; `on_outcome` is told of every cell as it ends.

        A cell that fails is an outcome with an error, and stops no other.
        """
        outcomes = []
        for number, outcome in enumerate(self.runner.run(self.plan.cells), start=1):
            if on_outcome is not None:
                on_outcome(outcome, number, len(self.plan.cells))
            outcomes.append(outcome)
        return Evaluation(self.plan, tuple(outcomes))


def evaluate(
    systems: Sequence[object] | Mapping[str, object],
    collections: Sequence[str],
    measures: Sequence[str] = (),
    split: str | None = None,
    depth: int | None = None,
    results: Path | str = DEFAULT_RESULTS,
    *,
    keep: int | None = None,
    workspace: Workspace | None = None,
    device: str | None = None,
    dtype: str | None = None,
    on_outcome: OnOutcome | None = None,
    allow_network: bool = False,
) -> Evaluation:
    """Evaluate systems on collections; what is in `results` already is not computed again.

    A system is the name of a card, the path of one, a folder of weights, a hub repository ("hub:owner/name"), or an
    object: anything with `encode(list[str]) -> array`, a function that does that, an `Encoder`, or a `System`. A
    mapping gives them names. A collection is a collection, a group or a family.
    `keep` stores only the first documents of every query; `workspace` says where vectors are stored and work is done;
    `device` ("auto", "cpu", "cuda", "cuda:1", "mps") and `dtype` ("float32", "float16", "bfloat16", "auto") say where
    models of cards and folders run and in which precision (default: a GPU where there is one, as each card says);
    `on_outcome(outcome, number, total)` is called as each cell ends; `allow_network` lets encoders that a server runs
    send it texts.

    Raises `UsageError` for an unknown name at once. Where a system fails, the others still run and are stored; then its
    error is raised.
    """
    from lapca_bench.encoders.hardware import Hardware
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.resources import endpoint
    from lapca_bench.search.workspace import Workspace

    if allow_network:
        endpoint.allow_network()
    if device is not None or dtype is not None:
        workspace = replace(workspace or Workspace(), hardware=Hardware(device, dtype))
    factory = SystemFactory.of(systems, workspace)
    experiment = spec.build(
        {
            "systems": factory.names,
            "collections": tuple(collections),
            "measures": tuple(measures),
            "split": split,
            "depth": depth,
        }
    )
    evaluation = Job.of(experiment, results, systems=factory, keep=keep).run(on_outcome)
    for outcome in evaluation.outcomes:
        if outcome.error is not None:
            raise outcome.error
    return evaluation


def score(
    run: object,
    qrels: object,
    measures: Sequence[str] | str = ("nDCG@10", "RR@10", "R@100", "AP"),
    *,
    name: str = "run",
    languages: Mapping[str, str] | None = None,
) -> Scores:
    """Score a run against judgements, as `trec_eval -c` does: `.means`, and `.frame` with a row per query and measure.

    Each of `run` and `qrels` may be a path, a dictionary `{query: {document: number}}`, a data frame with the columns
    query, document and score (or grade; also pyterrier's and ir_measures' names), rows of three, or a `Run` (`Qrels`).
    `measures` are named as trec_eval, ir_measures or ranx name them; "all" and "official" are what trec_eval prints.
    `languages` gives the language by query id, for means by language.

    Raises `UsageError` for a measure or a table that cannot be read, `InputError` for what is malformed.

    >>> score({"q1": {"d1": 2.0, "d2": 1.0}}, {"q1": {"d2": 1}}, ["RR", "P_1"]).means
    {'RR': {'': 0.5, 'mean': 0.5}, 'P@1': {'': 0.0, 'mean': 0.0}}
    """
    from lapca_bench.plain import as_qrels, as_run
    from lapca_bench.scoring import score_files
    from lapca_bench.scoring.naming.groups import expand

    asked = expand([measures] if isinstance(measures, str) else measures)
    return score_files(as_run(run, name), as_qrels(qrels), asked, languages=languages)
