"""Finding a translator by the name that a card gives it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.search.translation.system import Translator

BUILT_IN = {
    "freedict": "lapca_bench.search.translation.freedict:FreeDict",
    "apertium": "lapca_bench.search.translation.apertium:Apertium",
}


def find_translator(name: str) -> Translator:
    """The translator of this name, or what "module:Class", called without arguments, makes.

    Raises `UsageError` where there is none.
    """
    place = BUILT_IN.get(name, name)
    module, colon, attribute = place.partition(":")
    if not colon:
        raise unknown_name("translator", name, BUILT_IN)
    try:
        made: Any = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise UsageError(f"translator {name!r} cannot be made: {error}", remedy="write it as module:Class") from error
    if not isinstance(made, Translator):
        raise UsageError(f"{name} is no translator", remedy="give it identity, sources, translate and check")
    return made
