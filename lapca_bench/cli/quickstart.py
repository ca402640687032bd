"""`lapca-bench quickstart`: a first comparison on the collection that comes with the package, and what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.cells import outcome_line
from lapca_bench.cli.output import Quiet, log_into, say, say_written, set_volume, size, tell

if TYPE_CHECKING:
    from lapca_bench.api import Evaluation
    from lapca_bench.experiment.runner import Outcome
    from lapca_bench.experiment.spec import Experiment

EXPERIMENT = "quickstart"
FOLDER = Path("quickstart")

_NEXT = (
    ("your encoder", "lapca-bench run --encoder mine.py:Mine --system bm25s --collection parallel-mini"),
    ("all of this collection", "lapca-bench collections list | grep parallel-mini"),
    ("other systems", "lapca-bench systems list"),
    ("other collections", "lapca-bench collections list"),
    ("a larger comparison", "lapca-bench fetch --experiment demo, then lapca-bench run --experiment demo"),
    ("this machine", "lapca-bench doctor"),
)


def quickstart(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results, tables, figure and pages.")] = FOLDER,
    quiet: Quiet = False,
) -> None:
    """Compare three systems in a minute: a table, a figure, a page.

    The collection comes with the package. What cannot run here is left out, and what it lacks is named.
    """
    from lapca_bench.api import Job
    from lapca_bench.experiment import spec

    set_volume(True, verbose=False)
    wanted = spec.find(EXPERIMENT)
    lacking = _lacking(wanted)
    ready = tuple(name for name in wanted.systems if name not in lacking)
    _introduce(wanted)
    log_into(out)
    job = Job.of(wanted.model_copy(update={"systems": ready}), out)

    def show(outcome: Outcome, number: int, total: int) -> None:
        if not quiet:
            tell(outcome_line(outcome, number, total))

    evaluation = job.run(show)
    _show(evaluation, wanted.collections[0], out)
    if lacking:
        _say_lacking(wanted, lacking)
    say()
    say("next")
    for purpose, command in _NEXT:
        say(f"  {purpose:<24}{command}")
    if evaluation.failed:
        tell(f"{evaluation.failed} of {len(evaluation.outcomes)} cells failed")
        raise typer.Exit(1)


def _introduce(wanted: Experiment) -> None:
    """What is asked of what, in one sentence."""
    from lapca_bench.collections import registry
    from lapca_bench.collections.languages import language

    cards = [registry.card(name) for name in registry.expand(wanted.collections[0])]
    asked = [language(code).name for card in cards for code in card.query_languages]
    say(f"{cards[0].family}: questions in {', '.join(asked)}; each seeks the English paragraph that answers it")
    say()


def _lacking(wanted: Experiment) -> dict[str, str]:
    """Systems of the experiment that cannot run here, and why."""
    from lapca_bench.search import registry

    found = {name: registry.status(name) for name in wanted.systems}
    return {name: state.reason for name, state in found.items() if not state.ok}


def _show(evaluation: Evaluation, name: str, out: Path) -> None:
    """The table, and the files: the table in every format, a figure, and the pages."""
    from lapca_bench.report import plots, writers
    from lapca_bench.report.board import build as board

    table = evaluation.table()
    say()
    say_written(writers.FORMATS["terminal"](table).rstrip("\n"))
    stem = out / "tables" / writers.file_name(name)
    endings = writers.write_all(table, stem)
    figure = out / "bars.png"
    results = [outcome.result for outcome in evaluation.outcomes if outcome.result is not None]
    plots.write(plots.draw_bars(plots.bars_of(results), name), figure)
    pages = board.build(out / "board", [out], texts=True)
    say()
    say(f"table   {stem}.{{{','.join(endings)}}}")
    say(f"figure  {figure}")
    say(f"board   {(pages.folder / 'index.html').resolve().as_uri()}")


def _say_lacking(wanted: Experiment, lacking: dict[str, str]) -> None:
    """What was left out, and the commands that bring it, with what they take."""
    from lapca_bench import resources
    from lapca_bench.experiment.needs import missing
    from lapca_bench.extras import installing, lacking_modules
    from lapca_bench.search.registry import find_card

    say()
    for name, reason in lacking.items():
        say(f"left out: {name} ({reason})")
    extras = dict.fromkeys(extra for name in lacking for extra in find_card(name).requires if lacking_modules([extra]))
    fetched = [resources.catalog()[name] for name in missing(wanted).resources]
    if extras:
        say(f"  install: {installing(*extras)}  (README tells the sizes)")
    if fetched:
        download = size(sum(resource.size for resource in fetched))
        say(f"  fetch:   lapca-bench fetch --experiment {EXPERIMENT}  (weights, {download})")
    say("  then:    lapca-bench quickstart")
