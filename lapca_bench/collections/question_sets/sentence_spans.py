"""Where the sentences of a text begin and end, in any script."""

from __future__ import annotations

import re

Span = tuple[int, int]

_END = re.compile(
    r"(?<=[.!?…])\s+"  # a full stop and a blank
    r"|(?<=[a-zçğıöşü]\.)(?=[A-ZÇĞİÖŞÜ])"  # a full stop between words whose blank was forgotten
    r"|(?<=[。！？｡।॥۔؟])(?![」』）”\"')])\s*"  # the full stops of scripts that put no blank behind them
    r"|\n+"
)
_BLANK = re.compile(r"\s+")
_SHORTEST = 8  # characters; what is shorter (an initial, a number in a list) is no sentence of its own
_THAI = 80  # Thai has no full stops: sentences are cut at blanks, when they have about this many characters


def sentence_spans(text: str, language: str) -> tuple[Span, ...]:
    """The characters (end excluded) of each sentence, without the blanks around it; none of a blank text."""
    spans = _between(text, [found.span() for found in _END.finditer(text)])
    if language == "th":
        spans = [part for start, end in spans for part in _thai(text, start, end)]
    joined: list[Span] = []
    for start, end in spans:
        if joined and min(end - start, joined[-1][1] - joined[-1][0]) < _SHORTEST:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _between(text: str, cuts: list[Span], first: int = 0, last: int | None = None) -> list[Span]:
    """The stretches between cuts that are not blank, without the blanks around them."""
    starts, ends = (
        [first, *(end for _, end in cuts)],
        [*(start for start, _ in cuts), len(text) if last is None else last],
    )
    found = []
    for start, end in zip(starts, ends, strict=True):
        part = text[start:end]
        if part.strip():
            found.append((start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())))
    return found


def _thai(text: str, start: int, end: int) -> list[Span]:
    cuts: list[Span] = []
    begun = start
    for blank in _BLANK.finditer(text, start, end):
        if blank.start() - begun >= _THAI and end - blank.end() >= _THAI // 2:
            cuts.append(blank.span())
            begun = blank.end()
    return _between(text, cuts, start, end)
