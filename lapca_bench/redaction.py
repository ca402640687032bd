"""Secrets stay out of messages, logs and results: tokens and passwords are replaced before a text is shown."""

from __future__ import annotations

import re

_HIDDEN = "[hidden]"
_PATTERNS = (
    (re.compile(r"(?<=://)[^\s/@]+(?=@)"), _HIDDEN),  # user:password@host of an address
    (re.compile(r"\b(?:hf|api_org|ghp|gho|github_pat|glpat|pypi)[_-][A-Za-z0-9_-]{16,}"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer|authorization:?(?:\s+basic)?)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {_HIDDEN}"),
    (re.compile(r"(?i)\b([\w-]*(?:token|password|passwd|secret|api[_-]?key))(\s*[=:]\s*|\s+)(['\"]?)[^\s'\"&]{6,}"),
     rf"\1\2\3{_HIDDEN}"),
)  # fmt: skip


def redacted(text: str) -> str:
    """`text` with everything that looks like a secret replaced: hub tokens, passwords in addresses, named keys."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
