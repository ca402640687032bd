"""JSON files that carry the digest of their own content, and the digests of the files beside them.

A manifest vouches for its files; its seal vouches for the manifest. A flipped byte in either is found and named instead
of being read as a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lapca_bench.atomic import write_json
from lapca_bench.digest import digest_file, digest_value
from lapca_bench.errors import StoreError
from lapca_bench.parsing import json_value

SEAL = "seal"
DIGESTS = "digests.json"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content`, a mapping of JSON values without the key "seal", with its seal."""
    plain = json_value(json.dumps(content, allow_nan=False))  # as it will be read: keys are strings, tuples lists
    write_json(path, {**plain, SEAL: digest_value(plain)})


def read_sealed(path: Path, remedy: str, what: str = "manifest") -> dict[str, Any]:
    """The content of a sealed file, without its seal; one that has no seal (of an earlier release) is taken as it is.

    Raises `StoreError` with `remedy` where it cannot be read, is no JSON object, or does not match its seal.
    """
    try:
        return unsealed(path.read_text("utf-8"))
    except OSError as error:
        raise StoreError(f"this {what} cannot be read: {error.strerror}", path=path, remedy=remedy) from error
    except ValueError as error:
        raise StoreError(f"this {what} cannot be read: {error}", path=path, remedy=remedy) from error


def unsealed(text: str) -> dict[str, Any]:
    """The content of a sealed file's text; raises `ValueError` where it is no JSON object or not as it was sealed."""
    content = json_value(text)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - of the file, not of an argument
    seal = content.pop(SEAL, None)
    if seal is not None and seal != digest_value(content):
        raise ValueError("it does not match its seal")
    return content


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by its path inside it; not of what people read and may mend (.md)."""
    return {
        path.relative_to(folder).as_posix(): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != DIGESTS and path.suffix != ".md"
    }


def seal_folder(folder: Path) -> None:
    """Write `digests.json`, the last file of a folder: what every other file's bytes must be."""
    write_sealed(folder / DIGESTS, {"files": digests(folder)})


def damage(folder: Path, expected: Mapping[str, str], names: Iterable[str] | None = None) -> list[str]:
    """Of the files `names` (all when None) those that are missing or whose bytes are not the `expected` ones."""
    found = []
    for name in expected if names is None else names:
        try:
            if digest_file(folder / name) != expected[name]:
                found.append(name)
        except (OSError, KeyError):
            found.append(name)
    return found


def sealed_digests(folder: Path, remedy: str) -> dict[str, str]:
    """What `seal_folder` wrote; empty where it never did. Raises `StoreError` where that is damaged."""
    path = folder / DIGESTS
    if not path.exists():
        return {}
    files = read_sealed(path, remedy).get("files")
    if not isinstance(files, dict):
        raise StoreError("this manifest lists no files", path=path, remedy=remedy)
    return files


def check_folder(folder: Path, remedy: str) -> None:
    """Raise `StoreError`, naming the files, unless a sealed folder holds what it was given."""
    damaged = damage(folder, sealed_digests(folder, remedy))
    if damaged:
        message = f"does not match its digests: {', '.join(damaged[:5])}"
        raise StoreError(message, path=folder, remedy=remedy)
