"""`lapca-bench submit`: check a folder of results and pack it into the one file that a maintainer merges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json, tell

if TYPE_CHECKING:
    from lapca_bench.report.submission.checks import Check


def submit(
    results: Annotated[
        Path,
        typer.Argument(help="A result's folder, a folder of results as `run` writes it, or to --check a packed file."),
    ] = Path("results"),
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("submission.parquet"),
    card: Annotated[
        list[Path] | None,
        typer.Option("--card", help="The card of a system whose results carry none, or a better one; repeat for more."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check and write nothing; what cannot be checked here does not fail.")
    ] = False,
    template: Annotated[
        Path | None, typer.Option("--template", metavar="FOLDER", help="Write a repository to submit from, and end.")
    ] = None,
    json: Json = False,
) -> None:
    """Check results and pack them for a leaderboard.

    Checks cards, digests and versions, and scores every run again; exit 1 where a check fails.
    """
    from lapca_bench.report.submission import packed, repository
    from lapca_bench.report.submission.cards import cards_of
    from lapca_bench.report.submission.checks import as_records, results_in
    from lapca_bench.report.submission.checks import check as checks_of
    from lapca_bench.report.submission.merging import check_packed

    if template is not None:
        for path in repository.write(template):
            say(str(path))
        return
    if check and results.is_file():
        checks = check_packed(results)
        number = None
    else:
        found = results_in(results)
        cards, checks = cards_of(found, card or ())
        checks += checks_of(found, cards)
        number = len(found)
    if json:
        say_json(as_records(checks))
    else:
        show_checks(checks)
    failed = sum(one.state == "FAILS" if check else not one.ok for one in checks)
    if failed:
        tell(f"{failed} of {len(checks)} checks fail; nothing was written")
        raise typer.Exit(1)
    if check or number is None:
        if unseen := sum(one.state == "not here" for one in checks):
            tell(f"{unseen} of {len(checks)} checks cannot be made on this machine; whoever merges will make them")
        tell("ready to submit")
        return
    packed.write(found, cards, out)
    tell(f"wrote {out}: {number} results, SHA-256 {packed.digest(out)}")
    tell(f"send it to the maintainers, who run `lapca-bench board merge {out.name}`")


def show_checks(checks: list[Check]) -> None:
    """A line per check."""
    say_columns(("", "check", "detail"), [(one.state, one.what, one.detail) for one in checks])
