"""What an experiment needs fetched: the resources of its systems' cards and of its collections' families."""

from __future__ import annotations

from lapca_bench import resources
from lapca_bench.collections import registry as collections
from lapca_bench.experiment.spec import Experiment
from lapca_bench.search.card import SystemCard
from lapca_bench.search.registry import find_card

PREFIX = "resource:"


def resources_of(experiment: Experiment) -> tuple[str, ...]:
    """Names of resources in the catalogue, each once. Encoders in a file of the user's bring their own weights."""
    names: dict[str, None] = {}
    for system in experiment.systems:
        if ".py:" not in system:
            names.update(dict.fromkeys(_of_card(find_card(system))))
    for name in experiment.collections:
        names.update(dict.fromkeys(resources_of_collection(name)))
    return tuple(names)


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


def _of_card(card: SystemCard) -> list[str]:
    """Resources that a card's models name as "resource:NAME/…", and those of the systems it is made of."""
    named = [str(value) for settings in card.models for value in settings.model_dump().values()]
    own = [value[len(PREFIX) :].partition("/")[0] for value in named if value.startswith(PREFIX)]
    return [*own, *(resource for part in card.parts for resource in _of_card(find_card(part)))]
