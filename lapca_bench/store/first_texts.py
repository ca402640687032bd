"""First texts as published results carry them: what a model read first, without giving a collection's texts away.

A result on one's own disk records the whole first text of each side. Of a kept or submitted one there remain the
prompt, the first 40 characters after it, how long it was, and its SHA-256, by which whoever has the collection can
see whether it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapca_bench.digest import digest_bytes

FIRST_CHARACTERS = 40
_ENTRY = "first_texts"


def shortened(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its first texts cut, also those of a system's parts; what is cut already stays."""
    recorded = provenance.get("prompts")
    sides = list(recorded.values()) if isinstance(recorded, dict) else []
    prompts = [prompt for side in sides if isinstance(side, list) for prompt in side if isinstance(prompt, str)]
    return {name: _walked(name, value, prompts) for name, value in provenance.items()}


def _walked(name: str, value: Any, prompts: Sequence[str]) -> Any:
    if not isinstance(value, dict):
        return value
    if name == _ENTRY:
        return {side: _cut(text, prompts) if isinstance(text, str) else text for side, text in value.items()}
    return {inner: _walked(inner, one, prompts) for inner, one in value.items()}


def _cut(text: str, prompts: Sequence[str]) -> dict[str, Any]:
    prompt = max((one for one in prompts if text.startswith(one)), key=len, default="")
    return {
        "prompt": prompt,
        "begins": text[len(prompt) : len(prompt) + FIRST_CHARACTERS],
        "characters": len(text),
        "sha256": digest_bytes(text.encode("utf-8", "surrogatepass")),
    }
