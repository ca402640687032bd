"""Linked text: pages of several languages tied by links, and the blocks that pages are cut into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.text.sentences import sentences


class BlockSettings(Strict):
    """The unit of text: about `words` words (`characters` where words are not separated), or each paragraph."""

    unit: Literal["block", "paragraph"] = "block"
    words: int = Field(default=100, ge=5)
    characters: Mapping[str, int] = {"ja": 250, "zh": 180, "th": 450, "km": 450}
    title: bool = True
    minimum_characters: int = Field(default=20, ge=0)


@dataclass(frozen=True, slots=True)
class LinkedParagraph:
    """A paragraph; `id` is the same in every language where the corpus knows which paragraphs correspond, else ""."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """A page in one language; pages with the same `link` are about the same thing."""

    link: str
    language: str
    title: str
    paragraphs: tuple[LinkedParagraph, ...]


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

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """Linked pages, one per language."""


def blocks(page: LinkedPage, settings: BlockSettings) -> list[Block]:
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


def _pack(
    paragraphs: Sequence[LinkedParagraph], characters: int | None, words: int
) -> list[tuple[str, tuple[str, ...]]]:
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
