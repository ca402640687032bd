"""What an experiment, a system or a collection needs fetched: resources of the catalogue, repositories of the hub."""

from __future__ import annotations

from pathlib import Path

from lapca_bench import resources
from lapca_bench.collections import registry as collections
from lapca_bench.experiment.spec import Experiment
from lapca_bench.resources.downloads import Downloads, together
from lapca_bench.resources.hub import HUB, Repository
from lapca_bench.search.drafts.drafted import names_weights
from lapca_bench.search.registry import cards, find_card


def of_experiment(experiment: Experiment) -> Downloads:
    """What its systems and collections need. Encoders in a file of the user's bring their own weights."""
    parts = [of_system(system) for system in experiment.systems if ".py:" not in system]
    return together(*parts, *(Downloads(resources_of_collection(name)) for name in experiment.collections))


def missing(experiment: Experiment) -> Downloads:
    """What of `of_experiment` is not on this machine."""
    needed = of_experiment(experiment)
    return Downloads(
        tuple(name for name in needed.resources if not resources.status(name).present),
        tuple(repository for repository in needed.repositories if repository.snapshot is None),
    )


def of_system(name: str) -> Downloads:
    """What a system needs, and those that it is made of; `name` may be a repository of the hub, here or not."""
    if name not in cards() and not name.endswith(".toml") and _is_hub_name(name):
        return Downloads(repositories=(Repository.parse(name),))
    card = find_card(name)
    return together(card.downloads, *(of_system(part) for part in card.parts))


def _is_hub_name(name: str) -> bool:
    return name.startswith(HUB) or ("/" in name and names_weights(name) and not Path(name).expanduser().is_dir())


def resources_of_collection(name: str) -> tuple[str, ...]:
    """Names of the resources that a collection or group is read and scored with.

    Those that the user's own files stand in the place of are left out.
    """
    names: dict[str, None] = {}
    for member in collections.expand(name):
        family = collections.card(member).family
        names.update((one, None) for one, resource in resources.catalog().items() if family in resource.scores)
        needed = _of_family(family)
        presence = collections.status(member)
        if not presence.present:
            names.update(dict.fromkeys(presence.fetch or needed))
        elif all(resources.status(one).present for one in needed):
            names.update(dict.fromkeys(needed))
    return tuple(names)


def _of_family(family: str) -> list[str]:
    """Resources that carry the family's name or say that it reads them."""
    return [name for name, resource in resources.catalog().items() if family in (name, *resource.families)]
