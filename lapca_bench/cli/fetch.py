"""`lapca-bench fetch`: bring weights and corpora into the cache, checked; the only verb that uses the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lapca_bench.cli.output import Json, Quiet, say, say_columns, say_json, set_volume, size, tell
from lapca_bench.resources.hub import Repository

if TYPE_CHECKING:
    from lapca_bench.resources import Resource
    from lapca_bench.resources.downloads import Downloads


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Resources, systems (me5-base) or repositories of the model hub (hub:owner/name@revision); none lists "
            "the resources."
        ),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", "-x", help="Fetch what this experiment needs (a file, or demo).")
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A file (or folder of Debian packages) you downloaded elsewhere, for one resource."
        ),
    ] = None,
    systems: Annotated[
        list[str] | None, typer.Option("--system", "-s", help="Fetch what this system needs; repeat for more.")
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

    Each is checked against its checksum. Without a name, list what can be fetched. Repositories of the hub are asked of
    HF_ENDPOINT, with the token in HF_TOKEN, and come into the cache of huggingface_hub.
    """
    from lapca_bench import resources
    from lapca_bench.errors import UsageError
    from lapca_bench.resources.downloads import together

    set_volume(quiet, verbose=False)
    if not (names or systems or collections) and experiment is None:
        _list(json)
        return
    wanted = together(
        *(_named(name) for name in names or ()),
        *([_of_experiment(experiment)] if experiment else []),
        *(_of_system(name) for name in systems or ()),
        *(_of_collection(name) for name in collections or ()),
    )
    known = resources.catalog()
    found = [known[name] for name in wanted.resources]
    if from_file is not None and (len(found) != 1 or wanted.repositories):
        raise UsageError("--from gives one resource, but several are named", remedy="fetch them one at a time")
    if dry_run:
        _say_downloads(found, wanted.repositories, as_json=json)
        return
    if mirror is not None:
        os.environ["LAPCA_BENCH_MIRROR"] = mirror
    bring(found, wanted.repositories, from_file, as_json=json)


def bring(
    wanted: Sequence[Resource],
    repositories: Sequence[Repository],
    from_file: Path | None = None,
    *,
    as_json: bool = False,
    say_it: Callable[[str], None] = say,
) -> None:
    """Fetch one after the other; one that fails does not stop the others."""
    from lapca_bench.errors import LapcaError, MissingResourceError

    paths: dict[str, str] = {}
    failed: dict[str, LapcaError] = {}
    everything: tuple[Resource | Repository, ...] = (*wanted, *repositories)
    for one in everything:
        name = str(one) if isinstance(one, Repository) else one.name
        try:
            path, line = _bring_repository(one) if isinstance(one, Repository) else _bring_resource(one, from_file)
        except LapcaError as error:
            if len(wanted) + len(repositories) == 1:
                raise
            failed[name] = error
            tell(f"{name}: not fetched")
            continue
        paths[name] = str(path)
        if not as_json:
            say_it(line)
    if as_json:
        say_json(paths)
    if failed:
        told = "\n".join(f"{name}: {error}" for name, error in failed.items())
        count = len(wanted) + len(repositories)
        raise MissingResourceError(f"{len(failed)} of {count} could not be fetched\n{told}")


def _bring_resource(resource: Resource, from_file: Path | None) -> tuple[Path, str]:
    from lapca_bench import resources

    present = resources.status(resource.name).present
    path = resources.fetch(resource.name, from_file)
    state = "here already" if present and from_file is None else "fetched"
    return path, f"{resource.name}: {state} ({_download(resource.size)}, {resource.licence})"


def _bring_repository(repository: Repository) -> tuple[Path, str]:
    from lapca_bench.resources import hub

    here = repository.snapshot is not None
    found = hub.fetch(repository)
    state = "here already" if here else "fetched"
    pickles = f"; from pickles: {', '.join(found.converted)}" if found.converted else ""
    return found.folder, f'{repository}: {state} ({size(found.size)}, revision = "{found.commit}"{pickles})'


def _named(name: str) -> Downloads:
    """What a name stands for: a resource, else a system or a repository."""
    from lapca_bench import resources
    from lapca_bench.errors import unknown_name
    from lapca_bench.resources.downloads import Downloads
    from lapca_bench.search.registry import cards

    known = resources.catalog()
    if name in known:
        return Downloads((name,))
    if name not in cards() and not name.endswith(".toml") and "/" not in name:
        raise unknown_name("resource or system", name, (*known, *cards()))
    return _of_system(name)


def _of_system(name: str) -> Downloads:
    from lapca_bench.experiment.needs import of_system

    return of_system(name)


def _of_collection(name: str) -> Downloads:
    from lapca_bench.experiment.needs import resources_of_collection
    from lapca_bench.resources.downloads import Downloads

    return Downloads(resources_of_collection(name))


def _of_experiment(experiment: str) -> Downloads:
    from lapca_bench.experiment import spec
    from lapca_bench.experiment.needs import of_experiment

    return of_experiment(spec.find(experiment))


def _say_downloads(wanted: Sequence[Resource], repositories: Sequence[Repository], *, as_json: bool) -> None:
    from lapca_bench import resources

    here = {resource.name: resources.status(resource.name).present for resource in wanted}
    hub = {str(repository): repository.snapshot is not None for repository in repositories}
    missing = sum(resource.size for resource in wanted if not here[resource.name])
    if as_json:
        records = [{"name": r.name, "bytes": r.size, "present": here[r.name], "licence": r.licence} for r in wanted]
        records += [{"name": name, "bytes": 0, "present": present, "licence": ""} for name, present in hub.items()]
        say_json(records)
        return
    rows = [(r.name, "yes" if here[r.name] else "no", _download(r.size), r.licence) for r in wanted]
    rows += [(name, "yes" if present else "no", "not stated", "see the hub") for name, present in hub.items()]
    say_columns(("resource", "here", "download", "licence"), rows)
    unknown = any(not resource.size and not here[resource.name] for resource in wanted) or not all(hub.values())
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
