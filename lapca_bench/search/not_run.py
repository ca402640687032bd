"""Systems that are named and never run: known from print alone, or without a text-retrieval component."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn

from pydantic import Field

from lapca_bench.errors import UsageError
from lapca_bench.search.card import Making, SystemCard


class NotRunCard(SystemCard):
    """A card of a system that does not run, with the reason."""

    kind: Literal["published", "not-retrieval"]
    reason: Annotated[str, Field(min_length=1)]

    def make(self, making: Making) -> NoReturn:  # noqa: ARG002
        """Raise `UsageError` with the reason."""
        raise UsageError(f"{self.name} does not run: {self.reason}", remedy="see `lapca-bench systems list --runnable`")
