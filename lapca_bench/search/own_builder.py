"""Systems that a user's own function makes: a card with a `builder`, of whatever kind it says it is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from lapca_bench.errors import UsageError
from lapca_bench.search.card import Builder, Making, SystemCard
from lapca_bench.search.system import System
from lapca_bench.search.workspace import Workspace


class OwnBuilderCard(SystemCard):
    """A card whose system its builder makes."""

    builder: Builder

    def make(self, making: Making) -> System:
        """What the builder returns; raises `UsageError` where it cannot be imported or returns no system."""
        module, _, function = self.builder.partition(":")
        try:
            builder: Callable[[SystemCard, Workspace], object] = getattr(import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"builder {self.builder} of system {self.name!r} cannot be imported: {error}") from error
        made = builder(self, making.workspace)
        if not isinstance(made, System):
            raise UsageError(
                f"builder {self.builder} returned {type(made).__name__}, which is no System",
                remedy="give it name, identity and search",
            )
        return made
