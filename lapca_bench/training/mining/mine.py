"""Mining as a verb: a corpus by its name, an aligner by its system, the pairs and their report on disk.

The way of a text, downwards: a corpus's linked pages (`text`) are cut into blocks, in chunks of link groups (`chunks`);
each chunk proposes pairs of blocks (`propose`); those that are kept are counted and written as they come (`pair_file`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lapca_bench.atomic import write_json
from lapca_bench.progress import progress
from lapca_bench.store.executor import LocalExecutor
from lapca_bench.training.mining.aligner import aligner_of
from lapca_bench.training.mining.chunks import MinedPair, cut
from lapca_bench.training.mining.pair_file import write_pairs
from lapca_bench.training.mining.propose import Proposed, proposed
from lapca_bench.training.mining.report import MiningReport, report_file
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.text.corpora import corpus_of

if TYPE_CHECKING:
    from lapca_bench.search.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MinedFile:
    """What mining wrote: the file, its pairs, and how many pairs of languages they are of."""

    path: Path
    pairs: int
    language_pairs: int


def mine_to_file(
    settings: MiningSettings, corpus_name: str, out: Path, workspace: Workspace | None = None
) -> MinedFile:
    """Mine, write `out` and `out` with the ending .report.json. The workspace's executor does it.

    Raises `InputError` when nothing was found, and nothing is written then.
    """
    corpus = corpus_of(corpus_name, settings.split, settings.blocks.minimum_characters)
    executor = LocalExecutor() if workspace is None else workspace.executor
    report = MiningReport.of(settings)
    log.info("mine %s by %s, threshold %g, into %s", corpus.name, settings.method, settings.threshold, out)
    found = proposed(cut(corpus, settings), settings, aligner_of(settings, workspace), executor)
    written = write_pairs(out, kept(found, settings.threshold, report))
    content = report.content() | {
        "corpus": corpus.name,
        "licence": corpus.licence,
        "settings": settings.model_dump(mode="json"),
    }
    write_json(report_file(out), content)
    languages = len(report.language_pairs)
    log.info("%d pairs of %d language pairs: %s", written, languages, out)
    return MinedFile(out, written, languages)


def kept(found: Iterable[Proposed], threshold: float, report: MiningReport) -> Iterator[MinedPair]:
    """The proposed pairs that are written, while everything that passes is counted in the report."""
    sieve = Sieve(threshold)
    with progress("mining", unit="page") as bar:
        for part in found:
            log.debug("chunk of %d linked pages", part.groups)
            report.count_gold(part.gold)
            for pair in part.pairs:
                report.count_proposed(pair)
                if sieve.keeps(pair):
                    report.count_written(pair)
                    yield pair
            bar.advance(part.groups)


@dataclass
class Sieve:
    """Keeps pairs at or above the threshold, each pair of texts once, and none of a text with itself."""

    threshold: float
    _seen: set[bytes] = field(default_factory=set)

    def keeps(self, pair: MinedPair) -> bool:
        """Whether the pair is kept, given those asked about before."""
        key = hashlib.sha256(f"{len(pair.left.text)} {pair.left.text}{pair.right.text}".encode()).digest()[:16]
        if pair.margin < self.threshold or pair.left.text == pair.right.text or key in self._seen:
            return False
        self._seen.add(key)
        return True
