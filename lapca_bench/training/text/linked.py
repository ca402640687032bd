"""Linked text: pages of several languages tied by links, and the blocks that pages are cut into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

from lapca_bench.collections.reading import records
from lapca_bench.errors import InputError
from lapca_bench.toml_model import Strict
from lapca_bench.training.sentences import sentences


class BlockSettings(Strict):
    """The unit of text: about `words` words (`characters` where words are not separated), or each paragraph."""

    unit: Literal["block", "paragraph"] = "block"
    words: int = Field(default=100, ge=5)
    characters: Mapping[str, int] = {"ja": 250, "zh": 180, "th": 450, "km": 450}
    title: bool = True
    minimum_characters: int = Field(default=20, ge=0)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `id` is the same in every language where the corpus knows which paragraphs correspond, else ""."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page in one language; pages with the same `link` are about the same thing."""

    link: str
    language: str
    title: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a page, the unit of alignment. `paragraphs` are the ids of the paragraphs it holds, where known.

    `title` is its page's, whether the text begins with it or not.
    """

    id: str
    link: str
    language: str
    text: str
    paragraphs: tuple[str, ...] = ()
    title: str = ""


class LinkedCorpus(Protocol):
    """Pages in groups, each group's pages linked to each other. Streamed: `groups` may be called again."""

    @property
    def name(self) -> str:
        """The name in reports."""

    @property
    def licence(self) -> str:
        """The text's licence, for model cards."""

    def groups(self) -> Iterator[Sequence[Page]]:
        """Linked pages, one per language."""


def blocks(page: Page, settings: BlockSettings) -> list[Block]:
    """A page's paragraphs packed into blocks of about `words` words (`characters` in unspaced languages), title first.

    A paragraph is never cut unless it is longer than a block and a half; then it is cut at sentence ends where there
    are some. With unit "paragraph" each paragraph is a block. Source of the size: DPR (Karpukhin et al. 2020, 4.1).
    """
    budget = settings.characters.get(page.language)
    prefix = f"{page.title}. " if settings.title and page.title else ""
    packed: list[tuple[str, tuple[str, ...]]] = []
    if settings.unit == "paragraph":
        packed = [(paragraph.text, (paragraph.id,) if paragraph.id else ()) for paragraph in page.paragraphs]
    else:
        packed = _pack(page.paragraphs, budget, settings.words)
    kept = [(text, ids) for text, ids in packed if len(text) >= settings.minimum_characters]
    return [
        Block(f"{page.link}#{page.language}#{number}", page.link, page.language, prefix + text, ids, page.title)
        for number, (text, ids) in enumerate(kept)
    ]


def _size(text: str, characters: int | None) -> int:
    return len(text) if characters else len(text.split())


def _pack(paragraphs: Sequence[Paragraph], characters: int | None, words: int) -> list[tuple[str, tuple[str, ...]]]:
    limit = characters or words
    done: list[tuple[str, tuple[str, ...]]] = []
    texts: list[str] = []
    ids: list[str] = []
    filled = 0
    for paragraph in paragraphs:
        for piece in _pieces(paragraph.text, characters, limit):
            size = _size(piece, characters)
            if texts and filled + size > limit * 1.25:
                done.append((" ".join(texts), tuple(dict.fromkeys(ids))))
                texts, ids, filled = [], [], 0
            texts.append(piece)
            ids.extend([paragraph.id] if paragraph.id else [])
            filled += size
    if texts:
        done.append((" ".join(texts), tuple(dict.fromkeys(ids))))
    return done


def _pieces(text: str, characters: int | None, limit: int) -> list[str]:
    """A paragraph as it is, or, where it is longer than a block and a half, in sentences and at worst in slices."""
    if _size(text, characters) <= limit * 1.5:
        return [text]
    pieces: list[str] = []
    for sentence in sentences(text):
        if _size(sentence, characters) <= limit * 1.5:
            pieces.append(sentence)
        elif characters:
            pieces.extend(sentence[start : start + limit] for start in range(0, len(sentence), limit))
        else:
            words = sentence.split()
            pieces.extend(" ".join(words[start : start + limit]) for start in range(0, len(words), limit))
    return [piece for piece in pieces if piece]


class JsonLinesCorpus:
    """Your own linked pages: one JSON object per line, pages of one link one after the other.

    Keys: `link`, `language`, `text` or `paragraphs` (a list of strings or of `{"id": ..., "text": ...}`), and
    optionally `title`. Raises `InputError` with the line for anything else.
    """

    def __init__(self, path: Path, licence: str = "") -> None:
        self._path = path
        self.name = path.name
        self.licence = licence

    def groups(self) -> Iterator[Sequence[Page]]:
        """Pages of one link, as they stand in the file."""
        group: list[Page] = []
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

    def _page(self, content: dict[str, Any], number: int) -> Page:
        for key in ("link", "language"):
            if not isinstance(content.get(key), str) or not content[key]:
                remedy = "every page needs link, language and text or paragraphs"
                raise InputError(f"no {key} here", path=self._path, line=number, key=key, remedy=remedy)
        paragraphs = content.get("paragraphs", content.get("text"))
        if isinstance(paragraphs, str):
            paragraphs = [part for part in paragraphs.split("\n") if part.strip()]
        if not isinstance(paragraphs, list) or not paragraphs:
            remedy = "give the page a text or a list of paragraphs"
            raise InputError("a page without text", path=self._path, line=number, key="text", remedy=remedy)
        found = tuple(self._paragraph(one, number) for one in paragraphs)
        return Page(content["link"], content["language"], str(content.get("title", "")), found)

    def _paragraph(self, content: Any, number: int) -> Paragraph:
        if isinstance(content, str):
            return Paragraph(content.strip())
        if isinstance(content, dict) and isinstance(content.get("text"), str):
            return Paragraph(content["text"].strip(), str(content.get("id", "")))
        remedy = 'write it as a string or as {"id": ..., "text": ...}'
        raise InputError("a paragraph that is no text", path=self._path, line=number, key="paragraphs", remedy=remedy)
