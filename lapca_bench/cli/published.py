"""`lapca-bench published`: numbers that papers print, their sources, and whether they agree with themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json, tell

if TYPE_CHECKING:
    from lapca_bench.report.published.published import PublishedValue

app = typer.Typer(help="Published numbers with their sources.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="A published collection, such as mr-tydi.")]


@app.command("list", epilog="Example: lapca-bench published list")
def list_(json: Json = False) -> None:
    """List the tables: collection, protocol, split, measure, and how many systems and languages each has."""
    from lapca_bench.report.published.published import published

    tables: dict[tuple[str, ...], list[PublishedValue]] = {}
    for value in published().values:
        tables.setdefault((*value.table, value.measure), []).append(value)
    records: list[dict[str, Any]] = [
        {
            "collection": collection,
            "protocol": protocol,
            "split": split,
            "measure": measure,
            "systems": len({value.system for value in values}),
            "languages": len({value.language for value in values} - set(published().means)),
            "numbers": len(values),
        }
        for (collection, protocol, split, measure), values in sorted(tables.items())
    ]
    if json:
        say_json(records)
        return
    heads = ("collection", "protocol", "split", "measure", "systems", "languages", "numbers")
    say_columns(heads, [[record[head] for head in heads] for record in records])


@app.command(epilog="Example: lapca-bench published show mr-tydi --system BM25 --measure MRR@100 --split test")
def show(
    collection: Name,
    system: Annotated[str, typer.Option(help="Only systems whose name holds this text.")] = "",
    measure: Annotated[str, typer.Option(help="Only this measure.")] = "",
    language: Annotated[str, typer.Option(help="Only this language (avg: the mean).")] = "",
    split: Annotated[str, typer.Option(help="Only this split.")] = "",
    json: Json = False,
) -> None:
    """Show the numbers of one collection, each with its source and what a reader must know of it."""
    from dataclasses import asdict

    from lapca_bench.errors import UsageError
    from lapca_bench.report.published.published import published

    known = published()
    wanted = {"measure": measure, "language": language, "split": split}
    values = [
        value
        for value in known.of_collection(collection)
        if system.casefold() in value.system.casefold()
        and all(not text or getattr(value, column) == text for column, text in wanted.items())
    ]
    if not values:
        raise UsageError(
            f"no published number of {collection} fits", remedy=f"see: lapca-bench published show {collection}"
        )
    if json:
        say_json([asdict(value) for value in values])
        return
    rows = [
        (v.system, v.protocol, v.split, v.setting, v.language, v.measure, v.printed, v.kind, known.citation(v))
        for v in values
    ]
    say_columns(("system", "protocol", "split", "setting", "language", "measure", "value", "kind", "source"), rows)
    for key in sorted({value.note for value in values if value.note}):
        say(f"\n{known.notes[key].flag}: {known.notes[key].text}")


@app.command(epilog="Example: lapca-bench published check")
def check(json: Json = False) -> None:
    """Recompute every mean and compare what two places print of one cell; exit 1 on a contradiction without a flag."""
    from lapca_bench.report.published.published import published
    from lapca_bench.report.published.published_check import check as findings_of

    known = published()
    findings = findings_of(known)
    failed = [finding for finding in findings if finding.failed]
    shown = [finding for finding in findings if finding.failed or finding.verdict == "misprint"]
    if json:
        say_json(
            [
                {
                    **{column: getattr(f.value, column) for column in ("collection", "protocol", "split", "system")},
                    "measure": f.value.measure,
                    "language": f.value.language,
                    "printed": f.value.value,
                    "expected": f.expected,
                    "basis": f.basis,
                    "verdict": f.verdict,
                }
                for f in findings
            ]
        )
    else:
        rows = [
            (
                f.verdict,
                f"{f.value.collection} {f.value.split}",
                f.value.system,
                f.value.measure,
                f.value.printed,
                "" if f.expected is None else f"{f.expected:.2f}",
                f.basis,
            )
            for f in shown
        ]
        say_columns(("verdict", "table", "system", "measure", "printed", "expected", "basis"), rows)
    counts = {
        verdict: sum(f.verdict == verdict for f in findings) for verdict in dict.fromkeys(f.verdict for f in findings)
    }
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    tell(f"{len(known.values)} numbers of {len(known.sources)} sources; {len(findings)} checks: {summary}")
    if failed:
        raise typer.Exit(1)


@app.command(
    "import", epilog="Example: lapca-bench published import Tatoeba.json --system org/model --place org__model/..."
)
def import_(
    file: Annotated[Path, typer.Argument(help="An MTEB result file.")],
    system: Annotated[str, typer.Option(help="The system, as its source calls it.")],
    place: Annotated[str, typer.Option(help="Where in the source the file is.")],
    source: Annotated[str, typer.Option(help="A key of sources.toml.")] = "mteb-results",
    setting: Annotated[str, typer.Option(help="zero-shot, supervised, ... or unknown.")] = "unknown",
    measure: Annotated[list[str] | None, typer.Option(help="MTEB's keys, such as ndcg_at_10; repeat for more.")] = None,
) -> None:
    """Print the numbers of an MTEB result file as rows of `leaderboards/published`, to be reviewed and appended."""
    from lapca_bench.report.published.mteb_import import Attribution, as_csv, read_mteb

    read = read_mteb(file, Attribution(system, setting, source, place), measure or ())
    say(as_csv(read.values).rstrip("\n"))
    for sentence in read.skipped:
        tell(f"skipped: {sentence}")
