"""Linked corpora by name, as `mine --corpus` takes them."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.digest import digest_value
from lapca_bench.errors import UsageError
from lapca_bench.paths import cache_root
from lapca_bench.training.text.help_pages import HelpPagesCorpus, TextSplit
from lapca_bench.training.text.interface_texts import InterfaceTextsCorpus
from lapca_bench.training.text.json_lines import JsonLinesCorpus
from lapca_bench.training.text.linked import LinkedCorpus
from lapca_bench.training.text.package_descriptions import PackageDescriptionsCorpus
from lapca_bench.training.text.parallel_files import ParallelCorpus
from lapca_bench.training.text.wikipedia import WikipediaCorpus

LINKS = "langlinks.tsv"


def corpus_of(name: str, split: TextSplit = "train", minimum_characters: int = 20) -> LinkedCorpus:
    """The corpus that `name` says; raises `UsageError` for anything else.

    "help-pages", "package-descriptions", "interface-texts"; a folder of Wikipedia extracts (one folder per language
    and `langlinks.tsv`); a folder of parallel files; a file of JSON lines. `split` is that of the help pages,
    `minimum_characters` the length of the shortest message of the interface texts.
    """
    if name == HelpPagesCorpus.name:
        return HelpPagesCorpus(split=split)
    if name == PackageDescriptionsCorpus.name:
        return PackageDescriptionsCorpus()
    if name == InterfaceTextsCorpus.name:
        return InterfaceTextsCorpus(minimum_characters)
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
    states = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    facts = {str(path): [s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino] for path, s in states.items()}
    return digest_value(facts)[:16]
