"""`lapca-bench fetch`: bring weights and corpora into the cache, checked; the only verb that uses the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapca_bench.cli.output import Json, Quiet, say, say_columns, say_json, set_volume, size


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
