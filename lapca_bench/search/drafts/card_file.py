"""A card as the text of a TOML file, with a comment after each value that has a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from lapca_bench.search.card import SystemCard

_ALWAYS = ("trained_on",)  # written even where it is empty: a reader has to look at it
_FIRST = ("type", "checkpoint", "revision", "pooling")  # of a table; the rest in the order of its model


def card_text(card: SystemCard, reasons: Mapping[str, str] | None = None, head: Sequence[str] = ()) -> str:
    """The file's text; `reasons` are comments by key, as "encoder.pooling", `head` those at its beginning."""
    values = card.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    values |= {key: getattr(card, key) for key in _ALWAYS if reasons and key in reasons}
    lines = [*(f"# {line}" for line in head), *_table((), values, reasons or {})]
    return "\n".join([*lines, ""])


def _table(place: tuple[str, ...], values: Mapping[str, object], reasons: Mapping[str, str]) -> Iterator[str]:
    values = {key: values[key] for key in (*_FIRST, *values) if key in values}
    for key, value in values.items():
        if not isinstance(value, dict):
            why = reasons.get(".".join((*place, key)), "")
            yield f"{_key(key)} = {toml_value(value)}" + (f"  # {why}" if why else "")
    for key, value in values.items():
        if isinstance(value, dict):
            inner = (*place, key)
            why = reasons.get(".".join(inner), "")
            yield ""
            yield f"[{'.'.join(map(_key, inner))}]" + (f"  # {why}" if why else "")
            yield from _table(inner, value, reasons)


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isalnum() and name.isascii() else toml_value(name)


def toml_value(value: object) -> str:
    """A value as TOML: JSON, which is TOML for strings, numbers and lists of them, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
