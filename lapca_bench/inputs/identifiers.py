"""Ids of queries and documents, by one rule for collections, judgements and runs.

Refused is what one tool reads as the end of an id and another as part of it (white space of any kind: pytrec_eval cuts
at U+00A0, trec_eval does not), and what nobody sees: control characters, zero-width spaces, a byte order mark in the
middle of a file, which is what joined files leave. The joiners U+200C and U+200D are letters' neighbours in Persian and
Indic scripts and stay.
"""

from __future__ import annotations

import re
import unicodedata

REFUSED = "\\s\0-\x1f\x7f-\x9f\u200b\u2060\ufeff"
_ODD = re.compile(f"[{REFUSED}]")
_NAMES = {"\ufeff": "a byte order mark", "\r": "a carriage return", "\0": "a NUL byte"}
REMEDY = "ids go into TREC files: no white space, nothing invisible, not empty"


def fault_of(identifier: str) -> str | None:
    """What is wrong with an id, in words that follow "the id is" or "holds"; None where nothing is."""
    if not identifier:
        return "an empty id"
    if found := _ODD.search(identifier):
        what = "white space" if found[0].isspace() else "an invisible character"
        return f"{what} in the id {identifier!r} ({described(found[0])})"
    return None


def described(character: str) -> str:
    """A character that is not to be seen, by its code and name."""
    name = unicodedata.name(character, "")
    return _NAMES.get(character, f"U+{ord(character):04X}{' ' + name.lower() if name else ''}")
