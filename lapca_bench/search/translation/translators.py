"""What a translator is, and finding one by the name that a card gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from lapca_bench.errors import UsageError, unknown_name

BUILT_IN = {
    "freedict": "lapca_bench.search.translation.freedict:FreeDict",
    "apertium": "lapca_bench.search.translation.apertium:Apertium",
}


@runtime_checkable
class Translator(Protocol):
    """Translates lists of texts. Languages are ISO 639 codes as collections use them."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything that changes a translation, as JSON values; may raise `MissingResourceError`."""

    def sources(self, target: str) -> frozenset[str]:
        """The languages that it translates into `target`."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text; what it does not know stays as it is."""

    def check(self) -> None:
        """Raise `MissingResourceError` with its remedy where the translator is not on this machine."""


def find_translator(name: str) -> Translator:
    """The translator of this name, or what "module:Class", called without arguments, makes.

    Raises `UsageError` where there is none.
    """
    place = BUILT_IN.get(name, name)
    module, colon, attribute = place.partition(":")
    if not colon:
        raise unknown_name("translator", name, BUILT_IN)
    try:
        made: object = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise UsageError(f"translator {name!r} cannot be made: {error}", remedy="write it as module:Class") from error
    if not isinstance(made, Translator):
        raise UsageError(f"{name} is no translator", remedy="give it identity, sources, translate and check")
    return made
