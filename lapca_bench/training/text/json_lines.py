"""Linked pages of one's own, from a file of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lapca_bench.collections.reading import records
from lapca_bench.errors import InputError
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph


class JsonLinesCorpus:
    """Your own linked pages: one JSON object per line, pages of one link one after the other.

    Keys: `link`, `language`, `text` or `paragraphs` (a list of strings or of `{"id": ..., "text": ...}`), and
    optionally `title`. Raises `InputError` with the line for anything else.
    """

    def __init__(self, path: Path, licence: str = "") -> None:
        self._path = path
        self.name = path.name
        self.licence = licence

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """Pages of one link, as they stand in the file."""
        group: list[LinkedPage] = []
        finished: set[str] = set()
        for number, record in records(self._path, ()):
            page = self._page(record, number)
            if group and page.link != group[0].link:
                finished.add(group[0].link)
                yield group
                group = []
            if page.link in finished:
                remedy = "sort the file by link, so that linked pages follow each other"
                raise InputError(
                    f"link {page.link!r} comes again", path=self._path, line=number, key="link", remedy=remedy
                )
            group.append(page)
        if group:
            yield group

    def _page(self, content: Mapping[str, object], number: int) -> LinkedPage:
        link, language = (self._name(content, key, number) for key in ("link", "language"))
        paragraphs = content.get("paragraphs", content.get("text"))
        if isinstance(paragraphs, str):
            paragraphs = [part for part in paragraphs.split("\n") if part.strip()]
        if not isinstance(paragraphs, list) or not paragraphs:
            remedy = "give the page a text or a list of paragraphs"
            raise InputError("a page without text", path=self._path, line=number, key="text", remedy=remedy)
        found = tuple(self._paragraph(one, number) for one in paragraphs)
        return LinkedPage(link, language, str(content.get("title", "")), found)

    def _name(self, content: Mapping[str, object], key: str, number: int) -> str:
        value = content.get(key)
        if not isinstance(value, str) or not value:
            remedy = "every page needs link, language and text or paragraphs"
            raise InputError(f"no {key} here", path=self._path, line=number, key=key, remedy=remedy)
        return value

    def _paragraph(self, content: object, number: int) -> LinkedParagraph:
        if isinstance(content, str):
            return LinkedParagraph(content.strip())
        if isinstance(content, dict) and isinstance(content.get("text"), str):
            return LinkedParagraph(content["text"].strip(), str(content.get("id", "")))
        remedy = 'write it as a string or as {"id": ..., "text": ...}'
        raise InputError("a paragraph that is no text", path=self._path, line=number, key="paragraphs", remedy=remedy)
