"""Digests: the names by which everything cached is addressed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def digest_bytes(content: bytes) -> str:
    """SHA-256 of `content`, in hex."""
    return hashlib.sha256(content).hexdigest()


def digest_value(value: Mapping[str, Any]) -> str:
    """SHA-256 of a mapping of JSON values, independent of key order and stable across processes and machines."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return digest_bytes(canonical.encode("ascii"))


def digest_texts(texts: Iterable[str]) -> str:
    """SHA-256 of a sequence of texts; lengths are part of it, so ["ab"] and ["a", "b"] differ.

    Lone surrogates, which UTF-8 cannot hold, are kept apart by the `surrogatepass` handler.
    """
    hasher = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "little"))
        hasher.update(encoded)
    return hasher.hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
