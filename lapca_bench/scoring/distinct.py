"""Two spellings of a measure are one measure: asked for as MRR@10 and RR@10, it is one column and one comparison."""

from __future__ import annotations

from collections.abc import Iterable

from lapca_bench.scoring.measures import parse


def once_each(names: Iterable[str]) -> dict[str, str]:
    """Each measure's own name and the first spelling that it was asked for by, in the order of asking.

    Raises `UsageError` for a name that no measure has.
    """
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(str(parse(name)), name)
    return found
