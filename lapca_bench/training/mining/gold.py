"""The alignment that a corpus has of its own: paragraphs with the same id in several languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from lapca_bench.training.mining.chunks import LinkGroup, MinedPair
from lapca_bench.training.text.linked import Block


def is_gold(left: Block, right: Block) -> bool:
    """Whether two blocks are of one link and more than half of the paragraphs they hold together are in both."""
    one, other = set(left.paragraphs), set(right.paragraphs)
    return left.link == right.link and bool(one | other) and len(one & other) * 2 > len(one | other)


def gold_pairs(group: LinkGroup) -> Iterator[MinedPair]:
    """The pairs of linked pages' blocks that the corpus's own paragraph ids align."""
    for left, right in combinations(group, 2):
        yield from _aligned(group[left], group[right])


def _aligned(left: Sequence[Block], right: Sequence[Block]) -> Iterator[MinedPair]:
    holders: dict[str, list[Block]] = {}
    for block in right:
        for paragraph in block.paragraphs:
            holders.setdefault(paragraph, []).append(block)
    for block in left:
        others = {other.id: other for paragraph in block.paragraphs for other in holders.get(paragraph, [])}
        for other in others.values():
            if is_gold(block, other):
                yield MinedPair(block, other, 1.0)
