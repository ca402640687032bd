"""What mining would take, found out without embedding the corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from lapca_bench.errors import MissingResourceError
from lapca_bench.training.mining.aligner import aligning_system
from lapca_bench.training.mining.chunks import cut
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.text.corpora import corpus_of
from lapca_bench.training.text.linked import Block
from lapca_bench.types import Document

_TIMED = 8  # blocks of a language that are embedded to see how long all take
_LANGUAGES_TIMED = 4


@dataclass(frozen=True)
class MiningCost:
    """Linked pages, their blocks by language and all characters of these.

    `aligner` embeds the blocks (None: nothing is embedded) at `rate` characters per second, measured now; the rate is
    None where there is no block, or where the aligner is not here, as `missing` says then.
    """

    groups: int
    blocks: Mapping[str, int]
    characters: int
    aligner: str | None
    rate: float | None = None
    missing: str = ""


def cost_of(settings: MiningSettings, corpus_name: str) -> MiningCost:
    """What mining would take. The corpus is read once; a few blocks are embedded, and nothing is stored.

    Raises `UsageError` for margin mining without an aligner.
    """
    blocks: Counter[str] = Counter()
    groups = characters = 0
    sample: dict[str, list[Block]] = {}
    for chunk in cut(corpus_of(corpus_name, settings.split, settings.blocks.minimum_characters), settings):
        groups += len(chunk)
        for group in chunk:
            for language, found in group.items():
                blocks[language] += len(found)
                characters += sum(len(block.text) for block in found)
                part = sample.setdefault(language, [])
                part += found[: _TIMED - len(part)]
    cost = MiningCost(groups, dict(sorted(blocks.items())), characters, None)
    if settings.method != "margin":
        return cost
    cost = replace(cost, aligner=settings.aligner)
    if not blocks:
        return cost
    try:
        return replace(cost, rate=_rate(settings, sample))
    except MissingResourceError as error:
        return replace(cost, missing=error.message)


def _rate(settings: MiningSettings, sample: Mapping[str, Sequence[Block]]) -> float:
    """Characters per second of a few blocks of the first languages, embedded now, unstored."""
    system = aligning_system(settings)
    system.encoder.encode_documents([Document("", "warm")])
    timed = list(sample.items())[:_LANGUAGES_TIMED]
    started = perf_counter()
    for language, found in timed:
        system.encoder.encode_documents([Document(block.id, block.text) for block in found], language=language)
    return sum(len(block.text) for _, found in timed for block in found) / (perf_counter() - started)
