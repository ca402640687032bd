"""Text from outside, made harmless to look at: what a terminal obeys, hides or turns around is shown as "�".

Names, ids and messages come from files of others. Printed as they stand, they move the cursor, set the window's title,
write links that lead elsewhere (OSC 8), reverse their direction or start a line of their own. Everything foreign that
is shown goes through one of these: `visible` for a name or a cell, `visible_lines` for what may have several lines,
`visible_json` for JSON, whose values must stay what they are.
"""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\ufffd"

# Controls (C0 and C1), format characters (zero-width, direction, tags), lone surrogates, line and paragraph separators.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks that show nothing: fillers, joiners, vowels and variation selectors without a shape.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for codes in (range(0x180B, 0x1810), range(0xFE00, 0xFE0E), range(0xE0100, 0xE01F0)) for code in codes
}


def hidden(char: str) -> bool:
    """Whether a terminal or a page would obey this character or show nothing where it stands."""
    return unicodedata.category(char) in _OBEYED or char in _UNSEEN


def visible(text: str) -> str:
    """`text` on one line, blanks between its words, every hidden character replaced by "�"."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return "".join(REPLACEMENT if hidden(char) else char for char in " ".join(text.split()))


def visible_lines(text: str) -> str:
    """`text` with its lines and tabs, every other hidden character replaced by "�"."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(REPLACEMENT if hidden(char) and char not in "\n\t" else char for char in text)


def visible_json(text: str) -> str:
    r"""JSON text with hidden characters as `\u` escapes, which readers of JSON turn back."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(_escaped(char) if char != "\n" and hidden(char) else char for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
