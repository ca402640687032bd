"""Mining as a verb: a corpus by its name, an aligner by its system, the pairs and their report on disk."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from lapca_bench.atomic import write_json
from lapca_bench.digest import digest_value
from lapca_bench.errors import MissingResourceError, UsageError
from lapca_bench.parsing import json_value
from lapca_bench.paths import cache_root
from lapca_bench.progress import progress
from lapca_bench.store.executor import LocalExecutor
from lapca_bench.training.mining.aligner import aligner_of, aligning_system
from lapca_bench.training.mining.anywhere import global_candidates, one_chunk
from lapca_bench.training.mining.margin import Chunk, MineChunk, MinedPair, candidates, cut, kept, write_pairs
from lapca_bench.training.mining.report import SWEEP, MiningReport
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.text.help_pages import HelpPagesCorpus
from lapca_bench.training.text.interface_texts import InterfaceTextsCorpus
from lapca_bench.training.text.linked import Block, JsonLinesCorpus, LinkedCorpus
from lapca_bench.training.text.package_descriptions import PackageDescriptionsCorpus
from lapca_bench.training.text.parallel_files import ParallelCorpus
from lapca_bench.training.text.wikipedia import WikipediaCorpus
from lapca_bench.types import Document

if TYPE_CHECKING:
    from lapca_bench.search.workspace import Workspace

log = logging.getLogger(__name__)

LINKS = "langlinks.tsv"
_TIMED = 8  # blocks of a language that are embedded to see how long all take


def corpus_of(name: str, settings: MiningSettings) -> LinkedCorpus:
    """The corpus that `name` says; raises `UsageError` for anything else.

    "help-pages", "package-descriptions", "interface-texts"; a folder of Wikipedia extracts (one folder per language
    and `langlinks.tsv`); a folder of parallel files; a file of JSON lines.
    """
    if name == HelpPagesCorpus.name:
        return HelpPagesCorpus(split=settings.split)
    if name == PackageDescriptionsCorpus.name:
        return PackageDescriptionsCorpus()
    if name == InterfaceTextsCorpus.name:
        return InterfaceTextsCorpus(settings.blocks.minimum_characters)
    path = Path(name).expanduser()
    if (path / LINKS).is_file():
        return WikipediaCorpus(path, path / LINKS, cache_root() / "linked" / _fingerprint(path))
    if path.is_dir():
        return ParallelCorpus(path)
    if path.is_file():
        return JsonLinesCorpus(path)
    raise UsageError(
        f"no linked corpus {name!r}",
        key="--corpus",
        remedy=f"help-pages, package-descriptions, interface-texts, a folder of wikiextractor's files with {LINKS}, "
        "a folder of xx-yy/, or a .jsonl file",
    )


def _fingerprint(folder: Path) -> str:
    """Changes when a file of the folder does: its index of titles is built again then."""
    files = {str(path): path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    return digest_value({name: [state.st_size, state.st_mtime_ns] for name, state in files.items()})[:16]


def mine_to_file(recipe: Recipe, corpus_name: str, out: Path, workspace: Workspace | None = None) -> str:
    """Mine, write `out` and `out` with the ending .report.json; returns a summary. The workspace's executor does it.

    Raises `InputError` when nothing was found, and nothing is written then.
    """
    settings = recipe.mining
    corpus = corpus_of(corpus_name, settings)
    report = MiningReport(sorted({*SWEEP, settings.threshold}) if settings.method == "margin" else [settings.threshold])
    log.info("mine %s by %s, threshold %g, into %s", corpus.name, settings.method, settings.threshold, out)
    chunks = _counted(cut(corpus, settings), settings, report)
    found = report.proposed(_candidates(chunks, settings, workspace))
    number = write_pairs(out, report.written(kept(found, settings.threshold)))
    content = report.content() | {
        "corpus": corpus.name,
        "licence": corpus.licence,
        "settings": settings.model_dump(mode="json"),
    }
    write_json(out.with_suffix(".report.json"), content)
    summary = f"{number} pairs of {len(content['language pairs'])} language pairs: {out}"
    log.info("%s", summary)
    return summary


def corpus_of_pairs(pairs: Path) -> str:
    """The corpus that a file of pairs was mined from, as the report beside it says; empty where there is no report."""
    try:
        content = json_value(pairs.with_suffix(".report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("corpus", "")) if isinstance(content, dict) else ""


def cost_of(recipe: Recipe, corpus_name: str) -> str:
    """What mining would take: linked pages, and blocks to embed by language, and how long. The corpus is read once."""
    settings = recipe.mining
    blocks: Counter[str] = Counter()
    links = characters = 0
    sample: dict[str, list[Block]] = {}
    for chunk in cut(corpus_of(corpus_name, settings), settings):
        links += len(chunk)
        for group in chunk:
            blocks.update({language: len(found) for language, found in group.items()})
            characters += sum(len(block.text) for found in group.values() for block in found)
            for language, found in group.items():
                part = sample.setdefault(language, [])
                part += found[: _TIMED - len(part)]
    shown = ", ".join(f"{language} {count}" for language, count in sorted(blocks.items()))
    if settings.method != "margin":
        return f"{links} linked pages; {blocks.total()} blocks and nothing to embed ({shown or 'none'})"
    time = _embedding_time(settings, sample, characters) if blocks else "nothing to embed"
    return f"{links} linked pages; {blocks.total()} blocks to embed with {settings.aligner} ({shown or 'none'}); {time}"


def _embedding_time(settings: MiningSettings, sample: Mapping[str, Sequence[Block]], characters: int) -> str:
    """How long all characters take at the rate of a few blocks of the commonest languages, embedded now, unstored."""
    try:
        system = aligning_system(settings)
        system.encoder.encode_documents([Document("", "warm")])
    except MissingResourceError as error:
        return f"how long is not known: {error.message}"
    timed = list(sample.items())[:4]
    started = perf_counter()
    for language, found in timed:
        system.encoder.encode_documents([Document(block.id, block.text) for block in found], language=language)
    rate = sum(len(block.text) for _, found in timed for block in found) / (perf_counter() - started)
    return f"about {characters / rate / 60:.1f} min at {rate:,.0f} characters/s, measured now, less what is stored"


def _counted(chunks: Iterator[Chunk], settings: MiningSettings, report: MiningReport) -> Iterator[Chunk]:
    """Pass chunks on, with the corpus's own alignment counted, which `gold` itself proposes."""
    gold = settings.model_copy(update={"method": "gold"})
    with progress("mining", unit="page") as bar:
        for chunk in chunks:
            if settings.method != "gold":
                report.gold(candidates(chunk, gold))
            log.debug("chunk of %d linked pages", len(chunk))
            yield chunk
            bar.advance(len(chunk))


def _candidates(chunks: Iterator[Chunk], settings: MiningSettings, workspace: Workspace | None) -> Iterator[MinedPair]:
    aligner = aligner_of(settings, workspace)
    executor = LocalExecutor() if workspace is None else workspace.executor
    if settings.method == "margin" and settings.scope == "global":
        embed = None if aligner is None else partial(aligner, executor=executor)
        yield from global_candidates(one_chunk(list(chunks)), settings, embed, executor)
    else:
        for found in executor.map(MineChunk(settings, aligner), chunks):
            yield from found
