"""Wikipedia at full scale: wikiextractor's JSON lines and a table of language links, streamed.

Layout: one folder per language (`en/`, `ja/`, ...) of files that wikiextractor wrote with `--json` (plain or .bz2), and
a tab-separated table `language, title, language, title` of interlanguage links (one way is enough). Titles are looked
up through an SQLite index of file offsets, built once beside the text, so memory does not grow with the corpus.
"""

from __future__ import annotations

import bz2
import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from lapca_bench.atomic import atomic_folder
from lapca_bench.digest import digest_texts
from lapca_bench.errors import InputError, StoreError
from lapca_bench.inputs.text import lines
from lapca_bench.lock import exclusive
from lapca_bench.parsing import json_value
from lapca_bench.sealed import check_folder, seal_folder
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph

_FILE = "links.sqlite"
_REMEDY = "`lapca-bench cache verify --repair` removes it; the next run builds it again"


class WikipediaCorpus:
    """Pages of the pivot language with the pages that the table links to them."""

    licence = "CC BY-SA 4.0"

    def __init__(self, folder: Path, links: Path, index: Path, pivot: str = "en") -> None:
        self.name = folder.name
        self._folder, self._links, self._index, self._pivot = folder, links, index, pivot

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """One group per linked page of the pivot, by title; raises `InputError` for malformed lines."""
        with _database(self._built() / _FILE) as database:
            titles = database.execute("SELECT DISTINCT pivot FROM links ORDER BY pivot")
            lookup = (
                "SELECT pages.language, pages.file, pages.offset FROM links JOIN pages "
                "ON pages.language = links.language AND pages.title = links.title WHERE links.pivot = ? "
                "UNION SELECT language, file, offset FROM pages WHERE language = ? AND title = ? ORDER BY 1"
            )
            for (title,) in titles:
                rows = database.execute(lookup, (title, self._pivot, title)).fetchall()
                if len(rows) > 1:
                    yield [self._read(title, language, self._folder / file, offset) for language, file, offset in rows]

    def _built(self) -> Path:
        """The index, whole and undamaged, built where it is not there."""
        with exclusive(self._index.parent / "locks", digest_texts([self._index.name])):
            if not self._index.is_dir():
                with atomic_folder(self._index) as temporary:
                    self._build(temporary / _FILE)
                    seal_folder(temporary)
        check_folder(self._index, _REMEDY)
        return self._index

    def _build(self, file: Path) -> None:
        with _database(file) as database:
            database.execute("CREATE TABLE pages (language TEXT, title TEXT, file TEXT, offset INTEGER)")
            database.execute("CREATE TABLE links (pivot TEXT, language TEXT, title TEXT)")
            database.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", self._pages())
            database.executemany("INSERT INTO links VALUES (?, ?, ?)", self._link_rows())
            database.execute("CREATE INDEX by_title ON pages (language, title)")
            database.execute("CREATE INDEX by_pivot ON links (pivot)")
            database.commit()

    def _pages(self) -> Iterator[tuple[str, str, str, int]]:
        for path in sorted(self._folder.glob("*/**/*")):
            if not path.is_file():
                continue
            relative = path.relative_to(self._folder)
            with _opened(path) as stream:
                offset = 0
                for number, line in enumerate(stream, start=1):
                    yield relative.parts[0], str(_record(line, path, number)["title"]), str(relative), offset
                    offset += len(line)

    def _link_rows(self) -> Iterator[tuple[str, str, str]]:
        for number, line in lines(self._links):
            cells = line.split("\t")
            if len(cells) != 4:
                remedy = "four cells: language, title, language, title"
                raise InputError(f"{len(cells)} cells", path=self._links, line=number, remedy=remedy)
            first, second = (cells[0], cells[1]), (cells[2], cells[3])
            if first[0] == self._pivot:
                yield first[1], *second
            elif second[0] == self._pivot:
                yield second[1], *first

    def _read(self, link: str, language: str, path: Path, offset: int) -> LinkedPage:
        with _opened(path) as stream:
            stream.seek(offset)
            record = _record(stream.readline(), path, None)
        paragraphs = [part.strip() for part in str(record["text"]).split("\n")]
        return LinkedPage(
            link, language, str(record["title"]), tuple(LinkedParagraph(text) for text in paragraphs if text)
        )


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    """An open database; a full disk is the system's error, anything else that SQLite finds a `StoreError`."""
    try:
        with closing(sqlite3.connect(file)) as database:
            yield database
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise StoreError(f"this index of links cannot be used: {error}", path=file, remedy=_REMEDY) from error


def _opened(path: Path) -> IO[bytes]:
    return bz2.open(path, "rb") if path.suffix == ".bz2" else path.open("rb")


def _record(line: bytes, path: Path, number: int | None) -> dict[str, object]:
    try:
        record = json_value(line)
        if isinstance(record, dict) and "title" in record and "text" in record:
            return record
    except ValueError:
        pass
    raise InputError(
        "not a line of wikiextractor --json", path=path, line=number, remedy="run wikiextractor with --json"
    )
