"""What `lapca-bench fetch` brings for a system or a collection: resources of the catalogue, repositories of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lapca_bench import resources
from lapca_bench.resources.hub import Repository

PREFIX = "resource:"
_CHECKPOINTS = ("checkpoint", "query_checkpoint")


@dataclass(frozen=True)
class Downloads:
    """Names of resources and repositories, each once."""

    resources: tuple[str, ...] = ()
    repositories: tuple[Repository, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.resources or self.repositories)

    @property
    def size(self) -> int | None:
        """Bytes of what is not here; None where that is not stated: the hub says it when it is asked."""
        if any(repository.snapshot is None for repository in self.repositories):
            return None
        known = resources.catalog()
        return sum(known[name].size for name in self.resources if not resources.status(name).present)


def together(*parts: Downloads) -> Downloads:
    """All of these, each once."""
    return Downloads(
        tuple(dict.fromkeys(name for part in parts for name in part.resources)),
        tuple(dict.fromkeys(repository for part in parts for repository in part.repositories)),
    )


def of_model(settings: Mapping[str, object]) -> Downloads:
    """What the settings of a model name, by their values and the keys of checkpoints."""
    texts = [value for value in settings.values() if isinstance(value, str)]
    named = {text.removeprefix(PREFIX).partition("/")[0]: None for text in texts if text.startswith(PREFIX)}
    revision = settings.get("revision")
    repositories: dict[Repository, None] = {}
    for key in _CHECKPOINTS:
        place = settings.get(key)
        if isinstance(place, str) and not place.startswith((PREFIX, "/", ".", "~")) and not Path(place).exists():
            name = Repository.parse(place).name
            repositories[Repository(name, revision if isinstance(revision, str) else None)] = None
    return Downloads(tuple(named), tuple(repositories))
