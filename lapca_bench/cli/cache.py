"""`lapca-bench cache`: what fills the disk, whether it is undamaged, and making room."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json, size, tell

app = typer.Typer(
    help="Show, verify and empty the cache.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("ls", epilog="Example: lapca-bench cache ls")
def list_(json: Json = False) -> None:
    """List the rooms of the cache with the bytes they take."""
    from lapca_bench.paths import cache_root
    from lapca_bench.store.cache import rooms

    found = rooms(cache_root())
    if json:
        say_json([asdict(room) for room in found])
        return
    total = sum(room.size for room in found)
    rows = [(room.name, size(room.size), room.files, room.holds) for room in found]
    say_columns(("room", "size", "files", "holds"), [*rows, ("all", size(total), sum(r.files for r in found), "")])
    say()
    say(f"cache: {cache_root()}")


@app.command(epilog="Example: lapca-bench cache verify --repair")
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is damaged; it is made again.")] = False,
    json: Json = False,
) -> None:
    """Check all that is kept against its digests, and look for what killed runs left; exit 1 where any is left."""
    from lapca_bench.paths import cache_root
    from lapca_bench.store import cache

    findings = []
    for finding in cache.verify(cache_root(), repair):
        findings.append(finding)
        tell(f"{finding.path}: {finding.message}{' (removed)' if finding.repaired else ''}")
    if json:
        say_json([{**asdict(finding), "path": str(finding.path)} for finding in findings])
    elif not findings:
        say("everything matches its digests")
    left = sum(not finding.repaired for finding in findings)
    if left:
        tell(f"{left} damaged; fix: lapca-bench cache verify --repair")
        raise typer.Exit(1)


@app.command(epilog="Example: lapca-bench cache prune vectors --yes")
def prune(
    room: Annotated[str | None, typer.Argument(help="A room, as `lapca-bench cache ls` names them.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Empty every room: all that lapca-bench keeps outside of your own folders.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Empty one room of the cache, or all.

    What was in it is fetched, encoded or indexed again when needed. Results lie elsewhere and are not touched.
    """
    from lapca_bench.errors import UsageError, unknown_name
    from lapca_bench.paths import cache_root
    from lapca_bench.store import cache

    if everything == (room is not None):
        raise UsageError("one room or --all is needed", remedy="lapca-bench cache ls names the rooms")
    if room is not None and room not in cache.ROOMS:
        raise unknown_name("room of the cache", room, cache.ROOMS)
    chosen = [room] if room is not None else list(cache.ROOMS)
    if not yes:
        place = f"{cache_root() / room} ({cache.ROOMS[room]})" if room is not None else f"all of {cache_root()}"
        typer.confirm(f"empty {place}?", abort=True)
    before = [cache.prune(cache_root(), name) for name in chosen]
    say(f"removed {sum(one.files for one in before)} files, {size(sum(one.size for one in before))}")
