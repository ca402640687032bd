"""Mining as a verb: a corpus by its name, an aligner by its system, the pairs and their report on disk."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.atomic import write_json
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import InputError, UsageError
from lapca_bench.training.help_pages import HelpPagesCorpus
from lapca_bench.training.linked import JsonLinesCorpus, LinkedCorpus
from lapca_bench.training.mining import agreement, mine, report, write_pairs
from lapca_bench.training.parallel import ParallelCorpus
from lapca_bench.training.recipe import MiningSettings, Recipe


def corpus_of(name: str, settings: MiningSettings) -> LinkedCorpus:
    """The help pages, a folder of parallel files, or a file of JSON lines; raises `UsageError` for anything else."""
    if name == "help-pages":
        return HelpPagesCorpus(split=settings.split)
    path = Path(name).expanduser()
    if path.is_dir():
        return ParallelCorpus(path)
    if path.is_file():
        return JsonLinesCorpus(path)
    raise UsageError(
        f"no linked corpus {name!r}", key="--corpus", remedy="help-pages, a folder xx-yy/, or a .jsonl file"
    )


def aligner_of(settings: MiningSettings) -> Encoder | None:
    """The encoder of the aligner's system; raises `UsageError` where that system is not dense."""
    if settings.method != "margin" or settings.aligner is None:
        return None
    from lapca_bench.search.dense import DenseSystem
    from lapca_bench.search.registry import Workspace, build_system

    system = build_system(settings.aligner, Workspace())
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{settings.aligner} is no dense system", key="mining.aligner", remedy="name a dense system")
    return system.encoder


def mine_to_file(recipe: Recipe, corpus_name: str, out: Path) -> str:
    """Mine, write `out` and `out` with the ending .report.json; returns a summary.

    Raises `InputError` when nothing was found, and nothing is written then.
    """
    settings = recipe.mining
    corpus = corpus_of(corpus_name, settings)
    pairs = list(mine(corpus, settings, aligner_of(settings)))
    if not pairs:
        raise InputError("no pairs were found", path=out, remedy="lower the threshold, or mine more pages")
    found = report(pairs) | {
        "corpus": corpus.name,
        "licence": corpus.licence,
        "settings": settings.model_dump(mode="json"),
    }
    if settings.method != "gold" and any(pair.left.paragraphs for pair in pairs):
        gold = mine(corpus, settings.model_copy(update={"method": "gold"}))
        found["agreement"] = {
            "-".join(key): {
                "precision": one.precision,
                "recall": one.recall,
                "f1": one.f1,
                "mined": one.mined,
                "gold": one.gold,
            }
            for key, one in agreement(pairs, gold).items()
        }
    write_pairs(out, pairs)
    write_json(out.with_suffix(".report.json"), found)
    return f"{len(pairs)} pairs of {len(found['language pairs'])} language pairs: {out}"
