"""Code that a system brings along in files of its own: a dry run, a plan and a check say it, and run it when asked to.

What installed packages bring was let in when they were installed.
"""

from __future__ import annotations

from lapca_bench.encoders.kinds.user import FILE, PythonSettings
from lapca_bench.errors import UsageError
from lapca_bench.search import registry


def foreign_code(name: str, parents: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The Python files and builders that making the system `name` would run, those of its parts included."""
    if FILE.fullmatch(name):
        return (_file(name),)
    card = registry.find_card(name)
    found = [
        _file(model.path) for model in card.models if isinstance(model, PythonSettings) and FILE.fullmatch(model.path)
    ]
    if card.builder is not None and name not in registry.cards():
        found.append(card.builder)
    for part in card.parts:
        if part not in parents:
            found += foreign_code(part, (*parents, name))
    return tuple(dict.fromkeys(found))


def refuse_foreign_code(name: str) -> None:
    """Raise `UsageError`, naming the code, where making this system would run code of a file."""
    if code := foreign_code(name):
        raise UsageError(
            f"this would run {', '.join(code)}",
            remedy="look at it, and say --run-code where you trust it",
        )


def _file(specification: str) -> str:
    return specification.partition(".py:")[0] + ".py"
