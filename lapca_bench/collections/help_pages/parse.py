"""One page of the LibreOffice help as its title and its paragraphs, from HTML that one XSLT writes for every page.

Paragraphs and headings are the flat elements `<p|h1..h6 id="...">` of `<div id="DisplayArea">`; they never nest.
Because one program wrote all pages, elements are cut out by pattern, several times faster than by a parser; only inline
switches, whose spans do nest, go through one.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_AREA = re.compile(r'<div id="DisplayArea".*?>(.*?)<div id="SearchFrame">', re.DOTALL)
_ELEMENT = re.compile(r'<(p|h[1-6]) id="([^"]+)"([^>]*)>(.*?)</\1>', re.DOTALL)
_ONE_LINK = re.compile(r'\s*(?:<a name="[^"]*"></a>\s*)*<a [^>]*href="[^"]*">(?:(?!<a ).)*</a>\s*', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Unit:
    """One paragraph or heading; `id` is the same in every language.

    `tag` is "p" or "h1" to "h6", or "link" for a paragraph that only points at another page ("Related Topics" too).
    """

    id: str
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One help page. `path` is the path below `text/` without the ending, the same in every language."""

    path: str
    title: str
    units: tuple[Unit, ...]


class _Switches(HTMLParser):
    """The text of an element with inline switches: of each switch, one variant.

    A switch holds the same phrase for several systems or programs ("Command" and "Ctrl"), all hidden until a script
    shows one. Its default variant is kept; where it has none, its first.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._spans: list[str] = []  # what each open <span> is: "switch", "kept", "dropped" or ""
        self._parts: list[str] = []
        self._chosen: list[int] = []  # per open switch, where its kept variant begins in `_parts`; -1: none yet

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "span":
            return
        facts = dict(attrs)
        kind = ""
        if facts.get("class") == "switchinline":
            kind = "switch"
            self._chosen.append(-1)
        elif "hidden" in facts and self._chosen:
            first = self._chosen[-1] == -1
            default = (facts.get("id") or "").startswith("default")
            if default and not first:
                del self._parts[self._chosen[-1] :]
            kind = "kept" if first or default else "dropped"
            if kind == "kept":
                self._chosen[-1] = len(self._parts)
        self._spans.append(kind)

    def handle_endtag(self, tag: str) -> None:
        if tag == "span" and self._spans and self._spans.pop() == "switch":
            self._chosen.pop()

    def handle_data(self, data: str) -> None:
        if "dropped" not in self._spans:
            self._parts.append(data)

    @property
    def text(self) -> str:
        return "".join(self._parts)


def plain_text(markup: str) -> str:
    """The text of an element's content: no tags, entities resolved, all white space made one blank."""
    if "switchinline" in markup:
        reader = _Switches()
        reader.feed(markup)
        reader.close()
        text = reader.text
    else:
        text = html.unescape(_TAG.sub("", markup))
    return _SPACE.sub(" ", text).strip()


def parse_page(path: str, source: str) -> Page | None:
    """The page at `path`; None where the file holds no help content. An id that occurs twice keeps its first text."""
    title, area = _TITLE.search(source), _AREA.search(source)
    if title is None or area is None:
        return None
    units: dict[str, Unit] = {}
    for tag, identifier, attributes, markup in _ELEMENT.findall(area[1]):
        text = plain_text(markup)
        if text and identifier not in units:
            pointer = tag == "p" and ('class="related"' in attributes or _ONE_LINK.fullmatch(markup))
            units[identifier] = Unit(identifier, "link" if pointer else tag, text)
    return Page(path, plain_text(title[1]), tuple(units.values()))
