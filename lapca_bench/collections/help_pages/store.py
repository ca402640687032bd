"""The help pages of each language as Parquet files in the cache, parsed once from the packages.

An edition's folder is named by the digests of its package and the English one and by `RECIPE`, so a changed package or
rule is parsed anew. It holds `units.parquet` (page, id, tag, text) and `pages.parquet` (page, title, document), where
`document` is the text to be found, or "" for a page that is no document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.atomic import atomic_folder
from lapca_bench.collections.help_pages.parse import Page, parse_page
from lapca_bench.digest import digest_file, digest_texts, digest_value
from lapca_bench.errors import InputError, MissingResourceError, StoreError
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root
from lapca_bench.progress import progress
from lapca_bench.resources import locate
from lapca_bench.resources.archives import members
from lapca_bench.sealed import seal_folder

RESOURCE = "help-pages"
RECIPE = 1  # raise it when parsing or the rules for documents change
ENGLISH = "en"
PAGES_PER_EDITION = 2560

_FOLDERS = {"en": "en-US", "zh": "zh-CN"}  # where the edition is not called by the language code
_BELOW = "usr/share/libreoffice/help"
_MINIMUM_WORDS = 30
# Scripts without blanks between words: 30 times the characters that one English word takes in the aligned paragraphs.
_MINIMUM_CHARACTERS = {"ja": 90, "km": 180, "zh": 60}


def _edition_name(language: str) -> str:
    return _FOLDERS.get(language, language)


@dataclass(frozen=True)
class EditionSource:
    """Where one edition is read from: a .deb file, or a folder with its pages."""

    place: Path

    @property
    def digest(self) -> str:
        """A digest of what is read."""
        if self.place.is_file():
            return digest_file(self.place)
        return digest_texts(text for page in self.pages() for text in page)

    def pages(self) -> Iterator[tuple[str, str]]:
        """(path below text/ without its ending, HTML) of every page; raises `InputError` where it is not UTF-8."""
        if self.place.is_file():
            for name, stream in members(self.place, _is_page):
                yield _page_path(name), _decoded(stream.read(), self.place / name)
        else:
            for path in sorted(self.place.rglob("*.html")):
                yield _page_path(path.as_posix()), _decoded(path.read_bytes(), path)


def _is_page(name: str) -> bool:
    return f"{_BELOW}/" in name and "/text/" in name and name.endswith(".html")


def _page_path(name: str) -> str:
    return name.rsplit("/text/", 1)[-1].removesuffix(".html")


def _decoded(content: bytes, place: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", path=place, remedy="fetch the package again") from error


def find_source(language: str) -> EditionSource:
    """The edition's source in the fetched (or the user's own) folder; raises `MissingResourceError`."""
    folder, edition = locate(RESOURCE), _edition_name(language)
    debs = sorted(folder.glob(f"libreoffice-help-{edition.lower()}_*.deb"))
    if debs:
        return EditionSource(debs[-1])
    for below in (folder / _BELOW / edition, folder / edition):
        if (below / "text").is_dir():
            return EditionSource(below / "text")
    raise MissingResourceError(
        f"no help pages in {language!r}",
        path=folder,
        remedy=f"add libreoffice-help-{edition.lower()}_*.deb, or the package's {_BELOW}/{edition}",
    )


def edition_key(language: str) -> str:
    """What everything derived from an edition depends on: recipe and the digests of the packages."""
    digests = {code: find_source(code).digest for code in {ENGLISH, language}}
    return digest_value({"recipe": RECIPE, "language": language, "sources": digests})


@dataclass(frozen=True, eq=False)
class Edition:
    """The pages of one language, read back from the cache."""

    language: str
    folder: Path

    def titles(self) -> dict[str, str]:
        """Title by page, pages in ascending order."""
        table = self._columns("pages.parquet", ["page", "title"])
        return dict(zip(table["page"], table["title"], strict=True))

    def documents(self) -> dict[str, str]:
        """Text by page, of the pages that are documents."""
        table = self._columns("pages.parquet", ["page", "document"])
        return {page: text for page, text in zip(table["page"], table["document"], strict=True) if text}

    def units(self) -> dict[tuple[str, str], str]:
        """Text by (page, unit id), in the order of the pages and of the units on them."""
        table = self._columns("units.parquet", ["page", "id", "text"])
        return dict(zip(zip(table["page"], table["id"], strict=True), table["text"], strict=True))

    def _columns(self, name: str, columns: list[str]) -> dict[str, list[str]]:
        from pyarrow import parquet

        try:
            table = parquet.read_table(self.folder / name, columns=columns, page_checksum_verification=True)
        except OSError as error:
            raise StoreError(f"damaged: {error}", path=self.folder / name, remedy=f"delete {self.folder}") from error
        found: dict[str, list[str]] = table.to_pydict()
        return found


def edition(language: str) -> Edition:
    """One edition, parsed now if it was not before; raises `MissingResourceError` where the package is not here."""
    folder = cache_root() / "collections" / RESOURCE / f"{language}-{edition_key(language)[:12]}"
    if not folder.is_dir():
        with exclusive(folder.parent / "locks", language):
            if not folder.is_dir():
                _write(language, folder)
    return Edition(language, folder)


def _write(language: str, folder: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    pages = sorted(_parsed(language), key=lambda page: page.path)
    documents = _english_documents(pages) if language == ENGLISH else _translated_documents(pages, language)
    rows = [(page.path, unit.id, unit.tag, unit.text) for page in pages for unit in page.units]
    units = pa.table(dict(zip(("page", "id", "tag", "text"), map(list, zip(*rows, strict=True)), strict=True)))
    titles = pa.table(
        {
            "page": [page.path for page in pages],
            "title": [page.title for page in pages],
            "document": [documents.get(page.path, "") for page in pages],
        }
    )
    with atomic_folder(folder) as fresh:
        parquet.write_table(units, fresh / "units.parquet", compression="zstd", write_page_checksum=True)
        parquet.write_table(titles, fresh / "pages.parquet", compression="zstd", write_page_checksum=True)
        seal_folder(fresh)


def _parsed(language: str) -> Iterator[Page]:
    source = find_source(language)
    found = False
    with progress(f"read help pages ({language})", PAGES_PER_EDITION, "page") as bar:
        for path, markup in source.pages():
            page = parse_page(path, markup)
            bar.advance()
            if page is not None:
                found = True
                yield page
    if not found:
        raise InputError("no help page in here", path=source.place, remedy="fetch the package again")


def _long_enough(text: str, language: str) -> bool:
    if language in _MINIMUM_CHARACTERS:
        return len(text.replace(" ", "")) >= _MINIMUM_CHARACTERS[language]
    return len(text.split()) >= _MINIMUM_WORDS


def _body(page: Page, english: Mapping[tuple[str, str], str] | None) -> str:
    """A page's text: no title (it is the query), no mere links, in a translation no unit that repeats the English."""
    return " ".join(
        unit.text
        for unit in page.units
        if unit.tag not in {"h1", "link"}
        and unit.text != page.title
        and (english is None or english.get((page.path, unit.id)) != unit.text)
    )


def _unique(bodies: Mapping[str, str]) -> dict[str, str]:
    times = Counter(bodies.values())
    return {page: body for page, body in bodies.items() if times[body] == 1}


def _english_documents(pages: list[Page]) -> dict[str, str]:
    """Pages of 30 words or more whose title and text no other such page has."""
    bodies = {page.path: _body(page, None) for page in pages if page.title}
    eligible = [page for page in pages if _long_enough(bodies.get(page.path, ""), ENGLISH)]
    titles = Counter(page.title for page in eligible)
    unique = _unique({page.path: bodies[page.path] for page in eligible})
    return {page.path: unique[page.path] for page in eligible if page.path in unique and titles[page.title] == 1}


def _translated_documents(pages: list[Page], language: str) -> dict[str, str]:
    """Of the English documents' pages, those with enough translated text that no other page has."""
    english = edition(ENGLISH)
    known, units = english.documents(), english.units()
    bodies = {page.path: _body(page, units) for page in pages if page.path in known}
    return _unique({path: body for path, body in bodies.items() if _long_enough(body, language)})
