"""`lapca-bench fetch`: bring weights and corpora into the cache, checked; the only verb that uses the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.output import Json, Quiet, say, say_columns, say_json, set_volume, size

if TYPE_CHECKING:
    from lapca_bench.resources import Resource


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Resources to fetch; none lists what there is.")] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", "-x", help="Fetch what this experiment needs (a file, or demo).")
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A file (or folder of Debian packages) you downloaded elsewhere, for one resource."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be downloaded; fetch nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch weights and corpora into the cache.

    Each is checked against its checksum. Without a name, list what can be fetched.
    """
    from lapca_bench import resources
    from lapca_bench.errors import UsageError, unknown_name

    set_volume(quiet, verbose=False)
    known = resources.catalog()
    names = [*(names or ()), *(_needed(experiment) if experiment else ())]
    if not names and experiment is None:
        _list(json)
        return
    for name in names:
        if name not in known:
            raise unknown_name("resource", name, known)
    if from_file is not None and len(names) != 1:
        raise UsageError("--from gives one resource, but several are named", remedy="fetch them one at a time")
    if dry_run:
        _say_downloads([known[name] for name in dict.fromkeys(names)], as_json=json)
        return
    paths = {}
    for name in dict.fromkeys(names):
        present = resources.status(name).present
        paths[name] = str(resources.fetch(name, from_file))
        if not json:
            state = "here already" if present and from_file is None else "fetched"
            say(f"{name}: {state} ({size(known[name].size)}, {known[name].licence})")
    if json:
        say_json(paths)


def _needed(experiment: str) -> tuple[str, ...]:
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.needs import resources_of

    return resources_of(spec.find(experiment))


def _say_downloads(wanted: Sequence[Resource], *, as_json: bool) -> None:
    from lapca_bench import resources

    here = {resource.name: resources.status(resource.name).present for resource in wanted}
    missing = sum(resource.size for resource in wanted if not here[resource.name])
    if as_json:
        say_json([{"name": r.name, "bytes": r.size, "present": here[r.name], "licence": r.licence} for r in wanted])
        return
    rows = [(r.name, "yes" if here[r.name] else "no", size(r.size), r.licence) for r in wanted]
    say_columns(("resource", "here", "download", "licence"), rows)
    say(f"to download: {size(missing)}")


def _list(json: bool) -> None:
    from lapca_bench import resources

    if json:
        say_json(
            [
                {
                    "name": resource.name,
                    "title": resource.title,
                    "licence": resource.licence,
                    "bytes": resource.size,
                    "present": resources.status(resource.name).present,
                    "note": resource.note,
                }
                for resource in resources.catalog().values()
            ]
        )
        return
    say_columns(
        ("resource", "here", "download", "what it is"),
        [
            (name, "yes" if resources.status(name).present else "no", size(resource.size), resource.title)
            for name, resource in resources.catalog().items()
        ],
    )
