"""What mining proposes, chunk by chunk, by the recipe's method; on the machines of an executor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from lapca_bench.errors import InputError
from lapca_bench.store.executor import Executor
from lapca_bench.training.mining.aligner import Aligner
from lapca_bench.training.mining.anywhere import pairs_anywhere
from lapca_bench.training.mining.chunks import Chunk, LinkGroup, MinedPair
from lapca_bench.training.mining.gold import gold_pairs
from lapca_bench.training.mining.margin import Embed, margin_pairs
from lapca_bench.training.mining.settings import MiningSettings


@dataclass(frozen=True)
class Proposed:
    """The pairs proposed for some link groups, the threshold not applied yet.

    `gold` counts, by languages, the pairs of the same groups that the corpus's own alignment has; it is empty where the
    method takes those themselves.
    """

    groups: int
    pairs: Iterable[MinedPair]
    gold: Counter[str]


def proposed(
    chunks: Iterable[Chunk], settings: MiningSettings, aligner: Aligner | None, executor: Executor
) -> Iterator[Proposed]:
    """What the method proposes for each chunk, in order; for all groups together where the scope is "global".

    Only the latter holds all of the corpus's blocks in memory. Raises `InputError` for margin mining without an
    aligner.
    """
    if settings.method == "margin" and settings.scope == "global":
        whole = [group for chunk in chunks for group in chunk]
        embed = needed(None if aligner is None else partial(aligner, executor=executor))
        yield Proposed(len(whole), pairs_anywhere(whole, settings, embed, executor), _gold(whole, settings))
    else:
        yield from executor.map(ProposeInside(settings, aligner), chunks)


@dataclass(frozen=True)
class ProposeInside:
    """The task that an executor runs on every chunk: embed its blocks and compare those of linked pages."""

    settings: MiningSettings
    embed: Embed | None

    def __call__(self, chunk: Chunk) -> Proposed:
        """All pairs that the method proposes inside the chunk's link groups."""
        return Proposed(len(chunk), list(pairs_inside(chunk, self.settings, self.embed)), _gold(chunk, self.settings))


def pairs_inside(chunk: Chunk, settings: MiningSettings, embed: Embed | None = None) -> Iterator[MinedPair]:
    """Every pair that the method proposes inside the chunk's link groups; the threshold is not applied yet."""
    if settings.method == "margin":
        yield from margin_pairs(chunk, needed(embed), settings.neighbours)
    else:
        of_group = {"lead": lead_pairs, "gold": gold_pairs}[settings.method]
        for group in chunk:
            yield from of_group(group)


def lead_pairs(group: LinkGroup) -> Iterator[MinedPair]:
    """The first blocks of every two linked pages."""
    for left, right in combinations(group, 2):
        yield MinedPair(group[left][0], group[right][0], 1.0)


def needed(embed: Embed | None) -> Embed:
    """The aligner; raises `InputError` where there is none."""
    if embed is None:
        remedy = 'name one (--aligner me5-small-q4), or pair lead blocks (method = "lead")'
        raise InputError("margin mining needs an aligner", key="mining.aligner", remedy=remedy)
    return embed


def _gold(chunk: Chunk, settings: MiningSettings) -> Counter[str]:
    if settings.method == "gold":
        return Counter()
    return Counter(pair.language_pair for group in chunk for pair in gold_pairs(group))
