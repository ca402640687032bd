"""Real passages of mixed length and language: the help pages of all languages, in a fixed random order."""

from __future__ import annotations

import random
from functools import cache

from lapca_bench.collections import registry
from lapca_bench.types import Document

SEED = 7


@cache
def passages(count: int) -> list[Document]:
    """`count` help pages of all languages; raises `MissingResourceError` unless they were fetched."""
    found = [document for name in registry.expand("help-pages/xx-xx") for document in registry.load(name).documents()]
    return random.Random(SEED).sample(found, count)  # noqa: S311 - nothing secret
