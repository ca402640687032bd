"""Numbers in files, by one rule: the digits 0 to 9, as trec_eval and every other tool read them.

Python alone also takes `1_0` for ten and digits of other scripts for digits; both are refused.
"""

from __future__ import annotations

import re

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LARGEST = 3.4028234663852886e38  # in single precision, which is what scores are kept in


def whole_number(text: str) -> int | None:
    """The whole number that `text` is, of at most 18 digits; None where it is anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def decimal_number(text: str) -> float | None:
    """The number that `text` is, "0.5" or "5e-1"; None where it is anything else, or not finite in single precision."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= _LARGEST else None
