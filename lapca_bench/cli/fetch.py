"""`lapca-bench fetch`: bring weights and corpora into the cache, checked; the only verb that uses the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.output import Json, Quiet, say, say_columns, say_json, set_volume, size, tell

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
    collections: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Fetch what this collection or group needs.")
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask here first: a copy laid out as HOST/PATH, or a Debian mirror."),
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
    names = [
        *(names or ()),
        *(_needed(experiment) if experiment else ()),
        *(name for collection in collections or () for name in _of_collection(collection)),
    ]
    if not names and experiment is None and not collections:
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
    if mirror is not None:
        os.environ["LAPCA_BENCH_MIRROR"] = mirror
    _bring([known[name] for name in dict.fromkeys(names)], from_file, as_json=json)


def _bring(wanted: Sequence[Resource], from_file: Path | None, *, as_json: bool) -> None:
    """Fetch one after the other; one that fails does not stop the others."""
    from lapca_bench import resources
    from lapca_bench.errors import LapcaError, MissingResourceError

    paths: dict[str, str] = {}
    failed: dict[str, LapcaError] = {}
    for resource in wanted:
        present = resources.status(resource.name).present
        try:
            paths[resource.name] = str(resources.fetch(resource.name, from_file))
        except LapcaError as error:
            if len(wanted) == 1:
                raise
            failed[resource.name] = error
            tell(f"{resource.name}: not fetched")
            continue
        if not as_json:
            state = "here already" if present and from_file is None else "fetched"
            say(f"{resource.name}: {state} ({_download(resource.size)}, {resource.licence})")
    if as_json:
        say_json(paths)
    if failed:
        told = "\n".join(f"{name}: {error}" for name, error in failed.items())
        raise MissingResourceError(f"{len(failed)} of {len(wanted)} could not be fetched\n{told}")


def _of_collection(name: str) -> tuple[str, ...]:
    from lapca_bench.experiment.needs import resources_of_collection

    return resources_of_collection(name)


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
    rows = [(r.name, "yes" if here[r.name] else "no", _download(r.size), r.licence) for r in wanted]
    say_columns(("resource", "here", "download", "licence"), rows)
    unknown = any(not resource.size and not here[resource.name] for resource in wanted)
    say(f"to download: {size(missing)}{' and what is not stated' if unknown else ''}")


def _download(stated: int) -> str:
    return size(stated) if stated else "not stated"


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
            (name, "yes" if resources.status(name).present else "no", _download(resource.size), resource.title)
            for name, resource in resources.catalog().items()
        ],
    )
