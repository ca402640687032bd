"""`lapca-bench submit`: check a folder of results and pack it into the one file that a maintainer merges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.output import Json, say_columns, say_json, tell


def submit(
    results: Annotated[Path, typer.Argument(help="A result's folder, or a folder of results as `run` writes it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("submission.parquet"),
    json: Json = False,
) -> None:
    """Check results and pack them for a leaderboard.

    Checks cards, digests and versions, and scores every run again; exit 1 where a check fails.
    """
    from lapca_bench.report import submission

    found = submission.results_in(results)
    checks = submission.check(found)
    if json:
        say_json(submission.as_records(checks))
    else:
        say_columns(("", "check", "detail"), [("ok" if one.ok else "FAILS", one.what, one.detail) for one in checks])
    failed = sum(not one.ok for one in checks)
    if failed:
        tell(f"{failed} of {len(checks)} checks fail; nothing was written")
        raise typer.Exit(1)
    submission.pack(found, out)
    tell(f"wrote {out}: {len(found)} results; send it to the maintainers, who run `lapca-bench board merge {out.name}`")
