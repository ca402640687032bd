"""What is mined: the blocks of linked pages, in chunks of link groups, and the pairs that are made of them.

Pages pass through in chunks, so memory does not grow with the corpus.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice

from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.text.linked import Block, LinkedCorpus, LinkedPage, blocks

GROUPS_PER_CHUNK = 200  # link groups whose blocks are embedded together: enough to fill batches and shards of vectors

LinkGroup = dict[str, list[Block]]  # the blocks of linked pages, by language
Chunk = list[LinkGroup]


@dataclass(frozen=True, slots=True)
class MinedPair:
    """Two blocks taken to be translations; `margin` is 1 where none was computed."""

    left: Block
    right: Block
    margin: float

    @property
    def language_pair(self) -> str:
        """The two languages in alphabetical order, as "de-en"."""
        return f"{self.left.language}-{self.right.language}"


def cut(corpus: LinkedCorpus, settings: MiningSettings) -> Iterator[Chunk]:
    """The blocks of the corpus's pages, or of a sample of `pages` link groups, chosen by a hash of their links."""
    groups: Iterable[Sequence[LinkedPage]] = corpus.groups()
    if settings.pages:
        groups = nsmallest(settings.pages, groups, key=lambda group: hashlib.sha256(group[0].link.encode()).digest())
    stream = iter(groups)
    while part := list(islice(stream, GROUPS_PER_CHUNK)):
        yield [_blocks_of(group, settings) for group in part]


def _blocks_of(group: Sequence[LinkedPage], settings: MiningSettings) -> LinkGroup:
    found = {
        page.language: blocks(page, settings.blocks)
        for page in sorted(group, key=lambda page: page.language)
        if page.language not in settings.exclude_languages
    }
    return {language: part for language, part in found.items() if part}


def blocks_by_language(chunk: Chunk) -> LinkGroup:
    """All blocks of a chunk, group after group, languages in order."""
    found: LinkGroup = {}
    for group in chunk:
        for language, part in group.items():
            found.setdefault(language, []).extend(part)
    return dict(sorted(found.items()))
