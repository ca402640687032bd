"""One shard of vectors on disk: a `.npy` file and, written after it, a manifest with its digest.

A shard holds one row per text, or, where the manifest states `lengths`, that many entries for each text, one text's
after the other's: token vectors, or the (term, weight) pairs of sparse rows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lapca_bench.atomic import atomic_path
from lapca_bench.digest import digest_file
from lapca_bench.errors import StoreError
from lapca_bench.sealed import read_sealed, unsealed, write_sealed

Dtype = Literal["float32", "float16"]
Stored = npt.NDArray[Any]  # float32, float16, or pairs of a term and a float32

_WHAT = "manifest of a vector shard"
REPAIR = "`lapca-bench cache verify --repair` removes it; the next run encodes it again"


@dataclass(frozen=True)
class ShardManifest:
    """What a shard holds: `rows` texts of `dimension` columns. `sha256` and `size` are of the vector file's bytes."""

    address: str
    encoder: str
    encoder_digest: str
    side: str
    language: str
    dtype: str
    rows: int
    dimension: int
    sha256: str
    size: int
    lengths: tuple[int, ...] | None = None


def vector_file(folder: Path, address: str) -> Path:
    """Where the vectors of a shard lie."""
    return folder / address[:2] / f"{address}.npy"


def manifest_file(folder: Path, address: str) -> Path:
    """Where the manifest of a shard lies; a shard without one does not exist."""
    return folder / address[:2] / f"{address}.json"


def write_shard(
    folder: Path,
    address: str,
    vectors: Stored,
    about: dict[str, str],
    dimension: int,
    lengths: tuple[int, ...] | None = None,
) -> ShardManifest:
    """Write the vectors, then the manifest; `about` gives encoder, encoder_digest, side, language and dtype."""
    target = vector_file(folder, address)
    with atomic_path(target) as temporary:
        with temporary.open("wb") as handle:
            np.save(handle, vectors, allow_pickle=False)
        digest, size = digest_file(temporary), temporary.stat().st_size
    rows = len(vectors) if lengths is None else len(lengths)
    manifest = ShardManifest(
        address=address, rows=rows, dimension=dimension, sha256=digest, size=size, lengths=lengths, **about
    )
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: ShardManifest) -> None:
    """Write the manifest of a shard whose vectors are written."""
    stated = {key: value for key, value in asdict(manifest).items() if value is not None}
    write_sealed(manifest_file(folder, manifest.address), stated)


def read_manifest(path: Path) -> ShardManifest:
    """The manifest at `path`; raises `StoreError` where it is not one, or of another shard."""
    content = read_sealed(path, REPAIR, _WHAT)
    try:
        return _manifest_of(content, path.stem)
    except ValueError as error:
        raise StoreError(f"this {_WHAT} cannot be read: {error}", path=path, remedy=REPAIR) from error


def parse_manifest(content: bytes, address: str) -> ShardManifest:
    """The manifest that is written in `content`; raises `ValueError` where it is not one, or of another shard."""
    return _manifest_of(unsealed(content.decode("utf-8")), address)


def _manifest_of(content: dict[str, Any], address: str) -> ShardManifest:
    try:
        lengths = content.pop("lengths", None)
        manifest = ShardManifest(**content, lengths=None if lengths is None else tuple(map(int, lengths)))
    except TypeError as error:
        raise ValueError(str(error)) from error
    if manifest.address != address:
        raise ValueError("it is of another vector shard")
    return manifest


def check_shard(folder: Path, manifest: ShardManifest) -> None:
    """Raise `StoreError` unless the vector file is there and its bytes are those that were written."""
    path = vector_file(folder, manifest.address)
    try:
        found = digest_file(path)
    except OSError as error:
        message = f"the vectors of this shard cannot be read: {error.strerror or error}"
        raise StoreError(message, path=path, remedy=REPAIR) from error
    if found != manifest.sha256:
        message = f"this shard does not match its digest (expected {manifest.sha256[:12]}, found {found[:12]})"
        raise StoreError(message, path=path, remedy=REPAIR)


@cache
def _checked_once(folder: Path, manifest: ShardManifest, modified: int) -> None:  # noqa: ARG001 - part of the key
    check_shard(folder, manifest)


def open_shard(folder: Path, manifest: ShardManifest) -> Stored:
    """The vectors, memory-mapped read-only; the digest is checked the first time a process opens the file.

    Raises `StoreError` where the file is damaged or missing.
    """
    path = vector_file(folder, manifest.address)
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        message = f"the vectors of this shard cannot be read: {error.strerror or error}"
        raise StoreError(message, path=path, remedy=REPAIR) from error
    _checked_once(folder, manifest, modified)
    vectors: Stored = np.load(path, mmap_mode="r", allow_pickle=False)
    return vectors
