"""What a downloaded file must be: its length and its digests, as far as they are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.errors import InputError

_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Expected:
    """Length in bytes, SHA-256 and MD5 of a file; what is not known is None or ""."""

    size: int | None = None
    sha256: str = ""
    md5: str = ""

    @property
    def pinned(self) -> bool:
        """Whether a digest tells this file from any other."""
        return bool(self.sha256 or self.md5)

    def difference(self, path: Path) -> str | None:
        """What is wrong with the file at `path`, in words; None where nothing is."""
        length = path.stat().st_size
        if self.size is not None and length != self.size:
            return f"it has {length} bytes here; the published file has {self.size}"
        for name, digest in (("SHA-256", self.sha256), ("MD5", self.md5)):
            if digest and (found := _digest(path, name)) != digest:
                why = "the file was cut short, damaged or replaced"
                return f"wrong checksum: expected {name} {digest}, found {found} ({length} bytes); {why}"
        return None


def _digest(path: Path, name: str) -> str:
    hasher = hashlib.sha256() if name == "SHA-256" else hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def require_sha256(path: Path, expected: str, *, remedy: str) -> None:
    """Raise `InputError` unless the file's SHA-256 is `expected`: it was cut short, damaged or replaced."""
    if not path.is_file():
        raise InputError("there is no such file", path=path, remedy=remedy)
    if (wrong := Expected(sha256=expected).difference(path)) is not None:
        raise InputError(wrong, path=path, remedy=remedy)
