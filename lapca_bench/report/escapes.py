"""Foreign text in Markdown, LaTeX, CSV and HTML: whatever it holds, it stays text there.

`templates/export.js` of the boards writes LaTeX and CSV by the same rules; a test compares the two.
"""

from __future__ import annotations

import html as html_module
import re

from lapca_bench.visible import REPLACEMENT, visible

LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "[": "{[}",  # else the option of a rule, or of the line break before it
    "*": "{*}",  # likewise
    "–": "--",
    "—": "---",
    "‘": "`{}",
    "’": "'{}",
    "…": r"\dots{}",
    "±": r"$\pm$",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "×": r"$\times$",
    REPLACEMENT: "?",
}
# Letters that T1 fonts have. Of the rest, engines with Unicode fonts show the letter and pdfTeX its number.
_IN_T1 = re.compile("[ -~¡-¬®-ĥĨ-ķĹ-ľŁ-ňŊ-ťŨ-ž]")
_LIGATURES = re.compile(r"([-,'`<>])(?=\1)|([!?])(?=`)")  # "--" would become a dash
LATEX_LETTER = r"\lapcaletter"
LATEX_PREAMBLE = rf"\providecommand{{{LATEX_LETTER}}}[2]{{\ifdefined\Umathchar#1\else#2\fi}}"

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def latex_text(text: str) -> str:
    """`text` for LaTeX with T1 fonts; letters that these lack need `LATEX_PREAMBLE` before the first."""
    shown = _LIGATURES.sub(lambda found: found[0] + "\0", visible(text))
    return "".join(_latex_char(char) for char in shown)


def _latex_char(char: str) -> str:
    if char == "\0":  # `visible` leaves none: put there above
        return "{}"
    if char in LATEX_ESCAPES:
        return LATEX_ESCAPES[char]
    return char if _IN_T1.fullmatch(char) else f"{LATEX_LETTER}{{{char}}}{{U+{ord(char):04X} }}"


def csv_text(text: str) -> str:
    """`text` for a CSV cell or heading: what a spreadsheet would read as a formula gets a leading apostrophe."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def markdown_text(text: str) -> str:
    """`text` for a cell, or amid a line, of Markdown."""
    return re.sub(r"([\\`*_{}\[\]|~#!])", r"\\\1", html_module.escape(visible(text), quote=False))


def markdown_line(text: str) -> str:
    """`text` as a line of Markdown: neither an item of a list nor what underlines a heading."""
    return re.sub(r"^(?:([-+=])|(\d+)([.)]))", r"\2\\\1\3", markdown_text(text))


def html_text(text: str) -> str:
    """`text` for HTML, in an attribute too."""
    return html_module.escape(visible(text))
