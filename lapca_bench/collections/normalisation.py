"""The text normalisation of the MKQA protocols: lower case, then ASCII for typographic variants of punctuation.

Contriever (`src/normalize_text.py`) and BGE-M3 (`C_MTEB/MKQA/utils/normalize_text.py`) use one character table, which
goes back to ChemDataExtractor. No Unicode normal form is applied, and tildes and pluses stay as they are.
"""

from __future__ import annotations

_CONTROLS = [*range(0x01, 0x09), 0x0E, 0x0F, *range(0x11, 0x1C)]
_HYPHENS = "‐‑⁃‒–—―−－⁻"
_DOUBLE_QUOTES = "“”„‟"
_SINGLE_QUOTES = "‘’‚‛՚Ꞌꞌ＇`´′‵"
_SLASHES = "⁄∕"

_TABLE: dict[int, str | None] = {
    **dict.fromkeys(_CONTROLS),
    **dict.fromkeys((0x0B, 0x0C, 0x85), " "),
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
    0xAD: None,  # soft hyphen
    **dict.fromkeys(map(ord, _DOUBLE_QUOTES), '"'),
    **dict.fromkeys(map(ord, _SINGLE_QUOTES), "'"),
    **dict.fromkeys(map(ord, "″‶"), "''"),
    **dict.fromkeys(map(ord, "‴‷"), "'''"),
    ord("⁗"): "''''",
    ord("…"): "...",
    **dict.fromkeys(map(ord, _SLASHES), "/"),
}


def normalise(text: str) -> str:
    """`text` in lower case with typographic punctuation in ASCII and control characters removed."""
    return text.lower().translate(_TABLE).replace(" . . . ", " ... ")
