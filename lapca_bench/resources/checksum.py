"""The check that a downloaded file is the one that was pinned."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError


def require_sha256(path: Path, expected: str, *, remedy: str) -> None:
    """Raise `InputError` unless the file's SHA-256 is `expected`: it was cut short, damaged or replaced."""
    if not path.is_file():
        raise InputError("there is no such file", path=path, remedy=remedy)
    found = digest_file(path)
    if found != expected:
        raise InputError(
            f"wrong checksum: expected SHA-256 {expected}, found {found} ({path.stat().st_size} bytes); "
            "the file was cut short, damaged or replaced",
            path=path,
            remedy=remedy,
        )
