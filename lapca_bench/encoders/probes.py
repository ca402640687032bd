"""The sentences that encoders are tried on, one per language, and the token ids that known vocabularies give them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from lapca_bench.errors import unknown_name


@cache
def probes() -> Mapping[str, str]:
    """One sentence per language, with capitals, digits and accents where the script has them."""
    content = files("lapca_bench.encoders").joinpath("probes.toml").read_text(encoding="utf-8")
    found: dict[str, str] = tomllib.loads(content)["sentences"]
    return found


@cache
def golden_tokens(vocabulary: str) -> Mapping[str, Sequence[int]]:
    """Token ids of `probes` by language, as a vocabulary gives them; raises `UsageError` for an unknown vocabulary."""
    content = files("lapca_bench.encoders").joinpath("golden_tokens.toml").read_text(encoding="utf-8")
    known: dict[str, dict[str, list[int]]] = tomllib.loads(content)
    if vocabulary not in known:
        raise unknown_name("vocabulary", vocabulary, known)
    return known[vocabulary]
