"""What `run` says of its cells: one line each as they end, a record each for programs, the plan of a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lapca_bench.cli.costs import COST_HEADS, cost_cells, cost_record
from lapca_bench.cli.output import say, say_columns, say_json, size

if TYPE_CHECKING:
    from lapca_bench.experiment.plan import Plan
    from lapca_bench.experiment.runner import Outcome, Runner

SHOWN = 0.05  # seconds; a shorter stage is not named


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """A cell as JSON values: state, error, mean of the main measure, texts encoded now, seconds per stage."""
    about = {"system": outcome.cell.system, "collection": outcome.cell.collection, "state": outcome.state}
    if outcome.result is None:
        return {**about, "error": outcome.reason}
    result = outcome.result
    over = "" if result.provenance.policy.average == "macro" else "*"
    mean = next(a["mean"] for a in result.aggregates if a["measure"] == outcome.measure and a["language"] == over)
    fresh = outcome.state == "new"
    return {
        **about,
        "measure": outcome.measure,
        "mean": mean,
        "encoded": result.provenance.encoded if fresh else 0,
        "timings": dict(result.provenance.timings.stages) if fresh else {},
        "index_bytes": result.provenance.index_bytes,
        "folder": str(result.folder),
    }


def outcome_line(outcome: Outcome, number: int, total: int) -> str:
    """A cell in one line: how many of how many, names, mean, what was encoded or reused, seconds per stage."""
    record = outcome_record(outcome)
    head = f"[{number}/{total}] {record['system']} on {record['collection']}:"
    if outcome.result is None:
        return f"{head} FAILED: {record['error']}"
    mean = "–" if record["mean"] is None else f"{100 * record['mean']:.1f}"
    parts = [f"{record['measure']} {mean}", f"encoded {record['encoded']} texts"]
    if outcome.state != "new":
        parts.append(outcome.state)
    parts += [f"{stage} {seconds:.1f} s" for stage, seconds in record["timings"].items() if seconds >= SHOWN]
    if outcome.state == "new" and record["index_bytes"]:
        parts.append(f"index {size(record['index_bytes'])}")
    return f"{head} {', '.join(parts)}"


def show_plan(planned: Plan, runner: Runner, *, as_json: bool) -> None:
    """Every cell of a plan, what a run would do with it, and what it would have to encode."""
    from lapca_bench.errors import LapcaError
    from lapca_bench.experiment.encoding_cost import EncodingCost, Estimator

    estimator = Estimator()
    records: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = []
    for cell in planned.cells:
        cost = EncodingCost()
        try:
            state = "stored" if runner.find(cell) else "to run"
            if state == "to run":
                cost = runner.cost(cell, estimator)
        except LapcaError as error:
            state = f"cannot run: {error.message}"
        records.append({"system": cell.system, "collection": cell.collection, "state": state, **cost_record(cost)})
        shown = cost_cells(cost) if state == "to run" else ("",) * len(COST_HEADS)
        rows.append((cell.system, cell.collection, *shown, state))
    if as_json:
        say_json(records)
        return
    say_columns(("system", "collection", *COST_HEADS, "state"), rows)
    total = cost_cells(estimator.total)
    say(
        f"in all: {total[1]} texts to encode, {total[2]} tokens, {total[3]}, {total[4]} at the rates measured just now;"
    )
    say("searching, indexing and scoring come on top")
