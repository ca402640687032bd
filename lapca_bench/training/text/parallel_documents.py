"""Documents in several languages whose units (paragraphs or sentences) correspond, in the order of the text.

A folder holds one of: `pages.jsonl.gz` (link, language, title, paragraphs with ids that are the English block's),
`sentences.jsonl.gz` (id, texts by language, and a document, or an id whose first six characters name one), or
`xx-yy/` folders of parallel lines. A linked corpus whose paragraphs have ids is such text too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from lapca_bench.collections.reading import records
from lapca_bench.errors import UsageError
from lapca_bench.training.text.help_pages import HelpPagesCorpus
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph
from lapca_bench.training.text.parallel_files import ParallelCorpus

PAGES, SENTENCES = "pages.jsonl.gz", "sentences.jsonl.gz"
_SHORTEST = 12  # characters; a heading of one word says too little to be found by
_PLAIN_CODES = {"zh-hans": "zh", "zh_CN": "zh", "pt_BR": "pt"}


@dataclass(frozen=True, slots=True)
class ParallelDocument:
    """The title and the units of a document, each by language; `ids` name the units. A language may lack some."""

    source: str
    name: str
    titles: Mapping[str, str]
    units: tuple[Mapping[str, str], ...]
    ids: tuple[str, ...] = ()

    @property
    def languages(self) -> frozenset[str]:
        """Those in which any unit is there."""
        return frozenset(language for unit in self.units for language in unit)


def parallel_documents(name: str, path: Path) -> Iterator[ParallelDocument]:
    """The documents of the corpus `name`: "help-pages", or that of the folder `path`; none that is in one language.

    Raises `UsageError` where there is no such corpus.
    """
    if name == HelpPagesCorpus.name:
        made = _linked(name, HelpPagesCorpus().groups())
    elif (path / PAGES).is_file():
        made = _linked(name, _pages(path / PAGES))
    elif (path / SENTENCES).is_file():
        made = _sentences(name, path / SENTENCES)
    elif path.is_dir():
        made = _linked(name, ParallelCorpus(path).groups())
    else:
        remedy = f"a folder with {PAGES}, {SENTENCES} or xx-yy/ folders in it, or help-pages"
        raise UsageError(f"no parallel text {name!r} here", path=path, key="paragraphs.parallel", remedy=remedy)
    return (one for one in made if len(one.languages) > 1)


def _linked(source: str, groups: Iterable[Sequence[LinkedPage]]) -> Iterator[ParallelDocument]:
    """One document per group of pages; its units are in the order of the English page, else of the first."""
    for pages in groups:
        units: dict[str, dict[str, str]] = {}
        for page in sorted(pages, key=lambda page: page.language != "en"):
            for one in page.paragraphs:
                if len(one.text) >= _SHORTEST:
                    units.setdefault(one.id, {})[page.language] = one.text
        titles = {page.language: page.title for page in pages if page.title}
        yield ParallelDocument(source, pages[0].link, titles, tuple(units.values()), tuple(units))


def _pages(path: Path) -> Iterator[Sequence[LinkedPage]]:
    """The pages of each link, in whatever order they stand in the file."""
    found: dict[str, list[LinkedPage]] = {}
    for _, record in records(path, ("link", "language", "title", "paragraphs")):
        language, paragraphs = _code(str(record["language"])), record["paragraphs"]
        texts = tuple(LinkedParagraph(str(one["text"]), str(one["id"])) for one in paragraphs)
        page = LinkedPage(str(record["link"]), language, str(record["title"]), texts)
        found.setdefault(page.link, []).append(page)
    yield from found.values()


def _sentences(source: str, path: Path) -> Iterator[ParallelDocument]:
    rows = [
        (str(record.get("document", str(record["id"])[:6])), str(record["id"]), record["texts"])
        for _, record in records(path, ("id", "texts"))
    ]
    for name, found in groupby(rows, key=lambda row: row[0]):
        own = list(found)
        units = tuple({_code(language): str(text) for language, text in texts.items()} for _, _, texts in own)
        yield ParallelDocument(source, name, {}, units, tuple(identifier for _, identifier, _ in own))


def _code(language: str) -> str:
    return _PLAIN_CODES.get(language, language)
