"""What `run` says of its cells: one line each as they end, a record each for programs, the plan of a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lapca_bench.cli.costs import COST_HEADS, cost_cells, cost_record
from lapca_bench.cli.output import say, say_columns, say_json, size
from lapca_bench.visible import visible

if TYPE_CHECKING:
    from lapca_bench.experiment.forecast import CellForecast, Forecast
    from lapca_bench.experiment.runner import Outcome

SHOWN = 0.05  # seconds; a shorter stage is not named


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """A cell as JSON values: state, error, mean of the main measure, texts encoded now, seconds per stage."""
    about = {"system": outcome.cell.system, "collection": outcome.cell.collection, "state": outcome.state}
    if outcome.result is None:
        return {**about, "error": outcome.reason}
    result = outcome.result
    fresh = outcome.state == "new"
    usage = result.provenance.get("usage")
    return {
        **about,
        "measure": outcome.measure,
        "mean": outcome.mean,
        "encoded": result.provenance.encoded if fresh else 0,
        "timings": dict(result.provenance.timings.stages) if fresh else {},
        "index_bytes": result.provenance.index_bytes,
        "usage": usage if fresh and isinstance(usage, dict) else {},
        "folder": str(result.folder),
    }


def outcome_line(outcome: Outcome, number: int, total: int) -> str:
    """A cell in one line: how many of how many, names, mean, what was encoded or reused, seconds per stage."""
    record = outcome_record(outcome)
    head = f"[{number}/{total}] {visible(record['system'])} on {visible(record['collection'])}:"
    if outcome.result is None:
        return f"{head} FAILED: {record['error']}"
    mean = "–" if record["mean"] is None else f"{100 * record['mean']:.1f}"
    parts = [f"{record['measure']} {mean}", f"encoded {record['encoded']} texts"]
    if outcome.state != "new":
        parts.append(outcome.state)
    parts += [f"{stage} {seconds:.1f} s" for stage, seconds in record["timings"].items() if seconds >= SHOWN]
    parts += [f"{count:,} {unit}" for unit, count in record["usage"].items()]
    if outcome.state == "new" and record["index_bytes"]:
        parts.append(f"index {size(record['index_bytes'])}")
    return f"{head} {', '.join(parts)}"


def show_forecast(found: Forecast, *, as_json: bool) -> None:
    """Every cell of a plan, what a run would do with it, and what it would have to encode."""
    if as_json:
        say_json([_forecast_record(one) for one in found.cells])
        return
    say_columns(("system", "collection", *COST_HEADS, "state"), [_forecast_row(one) for one in found.cells])
    total = cost_cells(found.total)
    say(
        f"in all: {total[1]} texts to encode, {total[2]} tokens, {total[3]}, {total[4]} at the rates measured just now;"
    )
    say("searching, indexing and scoring come on top")


def _forecast_record(one: CellForecast) -> dict[str, str | float | None]:
    costs = cost_record(one.cost)
    return {
        "system": one.cell.system,
        "collection": one.cell.collection,
        "state": _forecast_state(one),
        **(dict.fromkeys(costs) if one.state == "runs code" else costs),
    }


def _forecast_row(one: CellForecast) -> tuple[str, ...]:
    shown = cost_cells(one.cost) if one.state == "to run" else ("",) * len(COST_HEADS)
    return one.cell.system, one.cell.collection, *shown, _forecast_state(one)


def _forecast_state(one: CellForecast) -> str:
    return f"{one.state}: {one.reason}" if one.reason else one.state
