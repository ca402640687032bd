"""`VectorStore`: texts are encoded once, kept as content-addressed shards, and read back memory-mapped.

A shard's address is the digest of the encoder's identity, the side, the storage type, the language and the texts, so
whatever would change a vector changes the address, and whatever encodes the same texts finds the shard that is already
there. A shard never crosses a language boundary: a pool of several languages shares its shards with the collections of
each language. Resuming means encoding the shards that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from lapca_bench.digest import digest_texts
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.errors import EncoderError, InputError
from lapca_bench.lock import exclusive
from lapca_bench.progress import progress
from lapca_bench.store.executor import Executor, LocalExecutor
from lapca_bench.store.shard import Dtype, ShardManifest, manifest_file, open_shard, read_manifest, write_shard
from lapca_bench.types import Document, Query

Side = Literal["query", "document"]
Text = TypeVar("Text", Document, Query)

SHARD_SIZE = 512  # texts: a minute of work on two slow cores, so a kill costs little; large enough to sort by length


@dataclass
class Tally:
    """What one use of the store cost: texts encoded now, texts found in it, seconds spent encoding, bytes on disk."""

    encoded: int = 0
    reused: int = 0
    seconds: float = 0.0
    size: int = 0

    def add(self, outcome: Encoded) -> None:
        """Count one shard."""
        rows = outcome.manifest.rows
        self.encoded += 0 if outcome.reused else rows
        self.reused += rows if outcome.reused else 0
        self.seconds += outcome.seconds
        self.size += outcome.manifest.size


@dataclass(frozen=True)
class Piece(Generic[Text]):
    """Consecutive texts of one language, to become one shard."""

    language: str
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Encoded:
    """The outcome for one piece."""

    manifest: ShardManifest
    reused: bool
    seconds: float


@dataclass(frozen=True)
class EncodePiece:
    """The task an executor runs on every piece: find its shard or make it."""

    encoder: Encoder
    side: Side
    folder: Path
    dtype: Dtype

    def __call__(self, piece: Piece[Any]) -> Encoded:
        """Encode the piece unless its shard exists; two processes do not encode the same piece at the same time."""
        address = self._address(piece)
        path = manifest_file(self.folder, address)
        if path.exists():
            return Encoded(read_manifest(path), reused=True, seconds=0.0)
        with exclusive(self.folder / "locks", address):
            if path.exists():
                return Encoded(read_manifest(path), reused=True, seconds=0.0)
            started = time.perf_counter()
            vectors = self._encode(piece)
            identity = self.encoder.identity
            about = {
                "encoder": identity.name,
                "encoder_digest": identity.digest,
                "side": self.side,
                "language": piece.language,
            }
            manifest = write_shard(self.folder, address, self._narrow(vectors), about)
            return Encoded(manifest, reused=False, seconds=time.perf_counter() - started)

    def _address(self, piece: Piece[Any]) -> str:
        key = [self.encoder.identity.digest, self.side, self.dtype, piece.language]
        if self.side == "document":
            return digest_texts([*key, *(part for text in piece.texts for part in (text.title, text.text))])
        return digest_texts([*key, *(text.text for text in piece.texts)])

    def _encode(self, piece: Piece[Any]) -> Vectors:
        language = piece.language or None
        if self.side == "document":
            vectors = self.encoder.encode_documents(piece.texts, language=language)
        else:
            vectors = self.encoder.encode_queries([text.text for text in piece.texts], language=language)
        check_vectors(vectors, self.encoder, [text.id for text in piece.texts])
        return vectors

    def _narrow(self, vectors: Vectors) -> Any:
        with np.errstate(over="ignore"):
            narrow = np.ascontiguousarray(vectors, dtype=self.dtype)
        if not np.isfinite(narrow).all():
            raise EncoderError(
                f"encoder {self.encoder.identity.name!r} returned values that {self.dtype} cannot hold",
                remedy="store its vectors as float32",
            )
        return narrow


def check_vectors(vectors: Any, encoder: Encoder, ids: Sequence[str]) -> None:
    """Raise `EncoderError` unless `vectors` is float32 `(len(ids), dimension)`, finite, and normalised if promised.

    A zero row is let through under "cosine": it is what a text without any known token gets from a static encoder.
    """
    name = encoder.identity.name
    expected = (len(ids), encoder.dimension)
    if not isinstance(vectors, np.ndarray) or vectors.shape != expected:
        found = f"shape {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise EncoderError(
            f"encoder {name!r} returned {found} for {len(ids)} texts, expected shape {expected}",
            remedy="return one row per text, in the order of the texts",
        )
    if vectors.dtype != np.float32:
        remedy = "convert what it returns with .astype(numpy.float32), or wrap it with lapca_bench.encoders.adapt"
        raise EncoderError(f"encoder {name!r} returned {vectors.dtype}, expected float32", remedy=remedy)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise EncoderError(
            f"encoder {name!r} returned NaN or infinity for {len(bad)} of {len(ids)} texts (first: {ids[bad[0]]!r})",
            remedy="look at that text; half precision overflows in some models, float32 does not",
        )
    if encoder.similarity == "cosine":
        norms = np.linalg.norm(vectors, axis=1)
        off = np.flatnonzero((np.abs(norms - 1) > 1e-3) & (norms > 0))
        if len(off):
            raise EncoderError(
                f'encoder {name!r} has similarity "cosine" but returned a row of length {norms[off[0]]:.4f}',
                remedy='normalise its rows, or declare similarity "dot"',
            )


class StoredCorpus:
    """The vectors of a corpus, in the order of its documents: shards, with ids that belong to this corpus alone."""

    def __init__(self, folder: Path) -> None:
        self.tally = Tally()
        self.manifests: list[ShardManifest] = []
        self._folder = folder
        self._ids: list[Any] = []  # a pyarrow string array per shard: a tenth of the memory of Python strings

    def _append(self, outcome: Encoded, ids: Any) -> None:
        self.manifests.append(outcome.manifest)
        self._ids.append(ids)
        self.tally.add(outcome)

    def __len__(self) -> int:
        """Number of documents."""
        return sum(manifest.rows for manifest in self.manifests)

    def shards(self) -> Iterator[tuple[Any, Any]]:
        """(ids, matrix) per shard: a pyarrow string array and a memory-mapped `(rows, dimension)` array."""
        for ids, manifest in zip(self._ids, self.manifests, strict=True):
            yield ids, open_shard(self._folder, manifest)

    def matrices(self) -> list[Any]:
        """The memory-mapped matrices, each `(rows, dimension)` in the stored type."""
        return [open_shard(self._folder, manifest) for manifest in self.manifests]

    @property
    def ids(self) -> Any:
        """All document ids as one pyarrow chunked string array."""
        import pyarrow as pa

        return pa.chunked_array(self._ids, type=pa.large_string())

    @property
    def languages(self) -> list[tuple[str, int]]:
        """(language, documents) of each shard."""
        return [(manifest.language, manifest.rows) for manifest in self.manifests]


class VectorStore:
    """Vectors under `root`, one folder per encoder identity. `shard_size` is the number of texts per shard."""

    def __init__(self, root: Path, dtype: Dtype = "float32", shard_size: int = SHARD_SIZE) -> None:
        self.root = root
        self.dtype: Dtype = dtype
        self.shard_size = shard_size

    def documents(
        self, encoder: Encoder, documents: Iterable[Document], executor: Executor | None = None
    ) -> StoredCorpus:
        """The vectors of `documents`; what the store lacks is encoded now, shard by shard, never holding the corpus.

        Raises `EncoderError` for unusable vectors, `InputError` for an empty or repeated id, `StoreError` where the
        store cannot be read or written.
        """
        corpus = StoredCorpus(self._folder(encoder))
        ids: list[Any] = []
        pieces = _noting_ids(_pieces(documents, self.shard_size), ids)
        task = EncodePiece(encoder, "document", corpus._folder, self.dtype)
        with progress(f"encode documents ({encoder.identity.name})", unit="doc") as bar:
            for outcome in (executor or LocalExecutor()).map(task, pieces):
                corpus._append(outcome, ids[len(corpus.manifests)])
                bar.advance(outcome.manifest.rows)
        _check_unique(corpus.ids)
        return corpus

    def queries(self, encoder: Encoder, queries: Sequence[Query], tally: Tally | None = None) -> Vectors:
        """The vectors of `queries`, `(len(queries), dimension)` float32 in their order; `tally` counts what it cost."""
        order = sorted(range(len(queries)), key=lambda i: queries[i].language)
        task = EncodePiece(encoder, "query", self._folder(encoder), self.dtype)
        vectors = np.empty((len(queries), encoder.dimension), dtype=np.float32)
        done = 0
        with progress(f"encode queries ({encoder.identity.name})", total=len(queries), unit="query") as bar:
            for piece in _pieces((queries[i] for i in order), self.shard_size):
                outcome = task(piece)
                rows = order[done : done + outcome.manifest.rows]
                vectors[rows] = open_shard(task.folder, outcome.manifest)
                done += len(rows)
                if tally is not None:
                    tally.add(outcome)
                bar.advance(len(rows))
        return vectors

    def _folder(self, encoder: Encoder) -> Path:
        return self.root / encoder.identity.digest[:16]


def _pieces(texts: Iterable[Text], size: int) -> Iterator[Piece[Text]]:
    for language, group in groupby(texts, key=lambda text: text.language):
        while part := tuple(islice(group, size)):
            yield Piece(language, part)


def _noting_ids(pieces: Iterable[Piece[Document]], ids: list[Any]) -> Iterator[Piece[Document]]:
    """Pass pieces on, keeping their ids: an executor may take pieces faster than it returns outcomes."""
    import pyarrow as pa

    for piece in pieces:
        try:
            ids.append(pa.array([text.id for text in piece.texts], type=pa.large_string()))
        except UnicodeEncodeError as error:
            raise InputError(f"a document id is not valid Unicode: {error.object!r}", remedy="mend the id") from error
        yield piece


def _check_unique(ids: Any) -> None:
    import pyarrow.compute as pc

    if len(ids) == 0:
        return
    if pc.min(pc.binary_length(ids)).as_py() == 0:
        raise InputError("the corpus holds a document with an empty id", remedy="give every document an id")
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        twice = counts.filter(pc.greater(pc.struct_field(counts, "counts"), 1))[0].as_py()
        raise InputError(
            f"the corpus holds document id {twice['values']!r} {twice['counts']} times",
            remedy="make document ids unique",
        )
