"""`lapca-bench board`: the leaderboards as a folder of pages, and whether their run files say what they say."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lapca_bench.cli.options import Ray, SharedStore, workspace_on
from lapca_bench.cli.output import Json, say, say_columns, say_json, tell
from lapca_bench.paths import DEFAULT_RESULTS

app = typer.Typer(help="Build and verify leaderboards.", no_args_is_help=True, rich_markup_mode=None)

Results = Annotated[
    list[Path] | None,
    typer.Option("--results", help="Folders of results (default: the shipped ones and lapca-results)."),
]


@app.command(epilog="Example: lapca-bench board build --out site")
def build(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the pages; replaced if an earlier build made it.")
    ],
    results: Results = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="Show questions side by side (mind the collections' licences).")
    ] = False,
) -> None:
    """Build the site: boards, systems, collections, side-by-side pages. It works from a file, without a server."""
    from lapca_bench.report.board import build as board

    built = board.build(out, results, texts=texts)
    tell(f"{built.boards} boards, {built.pages} pages, {built.results} measured results")
    for reason in built.left_out:
        tell(reason)
    say(str(built.folder / "index.html"))


@app.command(epilog="Example: lapca-bench board verify --results lapca-results")
def verify(results: Results = None, json: Json = False) -> None:
    """Score every stored run again and compare each value; exit 1 where one differs or a file is damaged."""
    from lapca_bench.report.board.usable import readable
    from lapca_bench.report.board.verify import verify as verifications

    readables, broken = readable(results)
    found = list(verifications(readables))
    records: list[dict[str, Any]] = [
        {
            "state": one.state,
            "system": one.result.system,
            "collection": one.result.collection,
            "split": one.result.split,
            "reason": one.reason,
            "unseen": list(one.unseen),
        }
        for one in found
    ]
    unread = {"state": "damaged", "collection": "", "split": "", "unseen": []}
    records += [{**unread, "system": what, "reason": reason} for what, reason in broken]
    if json:
        say_json(records)
    else:
        heads = ("state", "system", "collection", "split", "reason")
        say_columns(heads, [[record[head] for head in heads] for record in records])
    states = [record["state"] for record in records]
    tell(", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no results")
    if in_part := sum(bool(one.unseen) for one in found):
        tell(
            f"{in_part} of them by the measures that the kept documents reach; `board rerun` makes the full runs again"
        )
    if broken or any(one.failed for one in found):
        raise typer.Exit(1)


@app.command(epilog="Example: lapca-bench board keep lapca-results --into leaderboards/results")
def keep(
    results: Annotated[Path, typer.Argument(help="A result's folder, or a folder of results as `run` writes it.")],
    into: Annotated[Path, typer.Option(help="The folder of kept results to add to.")],
    first: Annotated[int, typer.Option(min=1, help="Documents kept per query.")] = 10,
) -> None:
    """Keep of full results what boards and comparisons read: every score, and the first documents of every query."""
    from lapca_bench.report.submission.checks import results_in
    from lapca_bench.store.keep import keep as kept

    found = results_in(results)
    for folder in kept(found, into, first):
        say(str(folder))
    tell(f"{len(found)} results kept with the first {first} documents per query")


@app.command(epilog="Example: lapca-bench board rerun --system bm25s --collection xquad-retrieval/de")
def rerun(
    system: Annotated[
        list[str] | None, typer.Option("--system", "-s", help="A system; repeat for more (default: all).")
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", "-c", help="A collection, group or family; repeat for more (default: all)."),
    ] = None,
    results: Results = None,
    into: Annotated[Path, typer.Option(help="The folder for the full results.")] = DEFAULT_RESULTS,
    ray: Ray = None,
    shared: SharedStore = None,
) -> None:
    """Make the full runs of kept results again; exit 1 where a score or a first document comes out otherwise."""
    from lapca_bench.cli.cells import outcome_line
    from lapca_bench.experiment.rerun import cut_results
    from lapca_bench.experiment.rerun import rerun as reruns
    from lapca_bench.experiment.systems import SystemFactory
    from lapca_bench.report.published.output import measured
    from lapca_bench.store.results import ResultStore, newest

    stored = list(newest(measured(results)).values())
    wanted = cut_results(stored, system or (), collection or ())
    factory = SystemFactory.of(tuple(dict.fromkeys(result.system for result in wanted)), workspace_on(ray, shared))
    different = 0
    for number, one in enumerate(reruns(wanted, ResultStore(into), factory), start=1):
        say(outcome_line(one.outcome, number, len(wanted)))
        if one.outcome.result is not None and one.difference:
            say(f"  not as kept: {one.difference}")
        different += bool(one.difference)
    tell(f"full results: {into}; {len(wanted) - different} of {len(wanted)} as kept")
    if different:
        raise typer.Exit(1)


@app.command(epilog="Example: lapca-bench board merge my-encoder.parquet --into leaderboards/results")
def merge(
    submission: Annotated[Path, typer.Argument(help="A file that `lapca-bench submit` wrote.")],
    into: Annotated[Path, typer.Option(help="The folder of results to add to.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Let it replace results of the same system, collection and split.")
    ] = False,
) -> None:
    """Check a submission as `submit` does, review it, and add it to a folder of kept results if every check holds."""
    from lapca_bench.report.submission import packed
    from lapca_bench.report.submission.checks import place_of
    from lapca_bench.report.submission.merging import merge as merged

    found = merged(submission, into, replace=replace)
    say_columns(("", "check", "detail"), [(one.state, one.what, one.detail) for one in found.checks])
    for line in found.review:
        say(f"review: {line}")
    say(f"SHA-256 of {submission.name}: {packed.digest(submission)}")
    if not found.merged:
        tell("nothing was merged")
        raise typer.Exit(1)
    for result in found.new:
        stood = found.replaced.get(result.key, ())
        say(f"{'replaced' if stood else 'added'}: {place_of(result)}, key {result.key[:12]}")
    for result in found.unchanged:
        say(f"unchanged: {place_of(result)}, key {result.key[:12]}")
    tell(f"merged into {into}" if found.new else f"nothing new for {into}")


class Interchange(StrEnum):
    """Formats of others."""

    mteb = "mteb"
    model_index = "model-index"


@app.command(epilog="Example: lapca-bench board export me5-small-q4 --as mteb --out mteb-results")
def export(
    system: Annotated[str, typer.Argument(help="A system with measured results.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder (mteb) or file (model-index).")],
    form: Annotated[Interchange, typer.Option("--as", help="MTEB result files, or metadata for a model card.")],
    results: Results = None,
) -> None:
    """Write a system's results as MTEB result files or as the `model-index` of a model card."""
    from lapca_bench import atomic
    from lapca_bench.errors import unknown_name
    from lapca_bench.report.published.model_index import model_index
    from lapca_bench.report.published.mteb_export import mteb_files
    from lapca_bench.report.published.output import measured
    from lapca_bench.store.results import newest

    stored = list(newest(measured(results)).values())
    own = [result for result in stored if result.system == system]
    if not own:
        raise unknown_name("system with results:", system, {result.system for result in stored})
    if form is Interchange.model_index:
        atomic.write_text(out, model_index(own, system))
        tell(f"wrote {out}")
        return
    made = mteb_files(own)
    for sentence in made.left_out:
        tell(f"left out: {sentence}")
    for name, content in made.files.items():
        atomic.write_json(out / name, content)
        tell(f"wrote {out / name}")
