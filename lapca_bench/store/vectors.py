"""`VectorStore`: texts are encoded once, kept as content-addressed shards, and read back memory-mapped.

A shard's address is the digest of the encoder's identity, the side, the storage type, the language and the texts, so
whatever would change a vector changes the address, and whatever encodes the same texts finds the shard that is already
there. A shard never crosses a language boundary: a pool of several languages shares its shards with the collections of
each language. Resuming means encoding the shards that are missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lapca_bench.digest import digest_texts
from lapca_bench.encoders.protocol import AnyEncoder, VectorSide
from lapca_bench.errors import InputError
from lapca_bench.lock import exclusive
from lapca_bench.progress import progress
from lapca_bench.run import Int64
from lapca_bench.store.executor import Executor, LocalExecutor
from lapca_bench.store.forms import DENSE, Form
from lapca_bench.store.shard import ShardManifest, Stored, write_shard
from lapca_bench.store.shared import Shared
from lapca_bench.store.shelf import Home, Shards, Shelf
from lapca_bench.types import Document, Query

if TYPE_CHECKING:
    import pyarrow as pa

Text = TypeVar("Text", Document, Query)

log = logging.getLogger(__name__)

SAMPLE = 32  # texts that are timed to say what all of them will cost
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

    def __str__(self) -> str:
        return f"encoded {self.encoded} texts in {self.seconds:.1f} s, reused {self.reused}"


@dataclass(frozen=True)
class MissingShards:
    """What encoding would take: texts stored and missing, the missing ones' characters and bytes, and some of them."""

    stored: int
    missing: int
    characters: int
    size: int
    sample: tuple[Any, ...]


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

    encoder: AnyEncoder
    side: VectorSide
    shelf: Shelf
    form: Form

    def __call__(self, piece: Piece[Any]) -> Encoded:
        """Encode the piece unless its shard exists; two processes do not encode the same piece at the same time."""
        address = self._address(piece)
        manifest = self.shelf.here(address)
        if manifest is not None:
            return Encoded(manifest, reused=True, seconds=0.0)
        folder = self.shelf.folder
        with exclusive(folder / "locks", address):
            manifest = self.shelf.find(address)
            if manifest is not None:
                return Encoded(manifest, reused=True, seconds=0.0)
            started = time.perf_counter()
            ids = [text.id for text in piece.texts]
            vectors, lengths = self.form.stored(self._encode(piece), self.encoder, ids)
            identity = self.encoder.identity
            about = {
                "encoder": identity.name,
                "encoder_digest": identity.digest,
                "side": self.side,
                "language": piece.language,
                "dtype": self.form.dtype,
            }
            manifest = write_shard(folder, address, vectors, about, self.form.dimension(self.encoder), lengths)
            seconds = time.perf_counter() - started
            self.shelf.share(manifest)
            return Encoded(manifest, reused=False, seconds=seconds)

    def is_stored(self, piece: Piece[Any]) -> bool:
        """Whether the piece has its shard."""
        return self.shelf.has(self._address(piece))

    def _address(self, piece: Piece[Any]) -> str:
        key = [self.encoder.identity.digest, self.side, self.form.dtype, piece.language]
        if self.side == "document":
            return digest_texts([*key, *(part for text in piece.texts for part in (text.title, text.text))])
        return digest_texts([*key, *(text.text for text in piece.texts)])

    def _encode(self, piece: Piece[Any]) -> Any:
        language = piece.language or None
        if self.side == "document":
            return self.encoder.encode_documents(piece.texts, language=language)
        return self.encoder.encode_queries([text.text for text in piece.texts], language=language)


class StoredCorpus:
    """The vectors of a corpus, in the order of its documents: shards, with ids that belong to this corpus alone."""

    def __init__(self, shelf: Shelf) -> None:
        self.tally = Tally()
        self.manifests: list[ShardManifest] = []
        self.shelf = shelf
        self._ids: list[pa.LargeStringArray] = []  # one per shard: a tenth of Python strings' memory

    def _append(self, outcome: Encoded, ids: pa.LargeStringArray) -> None:
        self.manifests.append(outcome.manifest)
        self._ids.append(ids)
        self.tally.add(outcome)

    def __len__(self) -> int:
        """Number of documents."""
        return sum(manifest.rows for manifest in self.manifests)

    def shards(self) -> Iterator[tuple[pa.LargeStringArray, Stored]]:
        """(ids, matrix) per shard: a pyarrow string array and a memory-mapped `(rows, dimension)` array."""
        for ids, manifest in zip(self._ids, self.manifests, strict=True):
            yield ids, self.shelf.open(manifest)

    def matrices(self) -> Shards:
        """The memory-mapped matrices, each `(rows, dimension)` in the stored type, opened one at a time."""
        return Shards(self.shelf, self.manifests)

    def parts(self, count: int) -> Iterator[tuple[int, list[ShardManifest], pa.ChunkedArray]]:
        """At most `count` runs of consecutive shards: first row in the corpus, manifests, ids."""
        import pyarrow as pa

        start = 0
        for places in np.array_split(np.arange(len(self.manifests)), max(1, min(count, len(self.manifests)))):
            manifests = [self.manifests[place] for place in places]
            yield start, manifests, pa.chunked_array([self._ids[place] for place in places], type=pa.large_string())
            start += sum(manifest.rows for manifest in manifests)

    def ragged(self) -> Iterator[tuple[Stored, Int64]]:
        """(entries, lengths) per shard: a memory-mapped array, and how many of its entries each text has."""
        for manifest in self.manifests:
            yield self.shelf.open(manifest), np.asarray(manifest.lengths, dtype=np.int64)

    @property
    def ids(self) -> pa.ChunkedArray:
        """All document ids as one pyarrow chunked string array."""
        import pyarrow as pa

        return pa.chunked_array(self._ids, type=pa.large_string())

    @property
    def languages(self) -> list[tuple[str, int]]:
        """(language, documents) of each shard."""
        return [(manifest.language, manifest.rows) for manifest in self.manifests]


class VectorStore:
    """Vectors under `root`, one folder per encoder identity. `shard_size` is the number of texts per shard.

    `form` is what a text becomes: `DENSE`, or another of `store.forms`, for the encoders that give it. What another
    machine has put into the `shared` store is not encoded again, and what is encoded here is put there.
    """

    def __init__(
        self, root: Path, form: Form = DENSE, shard_size: int = SHARD_SIZE, shared: Shared | None = None
    ) -> None:
        self.home = Home(root, shared)
        self.form = form
        self.shard_size = shard_size

    def documents(
        self, encoder: AnyEncoder, documents: Iterable[Document], executor: Executor | None = None
    ) -> StoredCorpus:
        """The vectors of `documents`; what the store lacks is encoded now, shard by shard, never holding the corpus.

        Raises `EncoderError` for unusable vectors, `InputError` for an empty or repeated id, `StoreError` where the
        store cannot be read or written.
        """
        corpus = StoredCorpus(self._shelf(encoder))
        ids: list[pa.LargeStringArray] = []
        pieces = _noting_ids(_pieces(documents, self.shard_size), ids)
        task = EncodePiece(encoder, "document", corpus.shelf, self.form)
        with progress(f"encode documents ({encoder.identity.name})", unit="doc") as bar:
            for outcome in (executor or LocalExecutor()).map(task, pieces):
                corpus._append(outcome, ids[len(corpus.manifests)])
                bar.advance(outcome.manifest.rows)
        _check_unique(corpus.ids)
        log.info("encode documents (%s): %s", encoder.identity.name, corpus.tally)
        return corpus

    def cost(self, encoder: AnyEncoder, texts: Iterable[Text], side: VectorSide) -> MissingShards:
        """What encoding these texts would take: how many are stored already, how many are not, and some of those."""
        task = EncodePiece(encoder, side, self._shelf(encoder), self.form)
        stored = missing = characters = 0
        sample: list[Any] = []
        for piece in _pieces(texts, self.shard_size):
            if task.is_stored(piece):
                stored += len(piece.texts)
            else:
                missing += len(piece.texts)
                characters += sum(
                    len(text.content() if isinstance(text, Document) else text.text) for text in piece.texts
                )
                sample += piece.texts[: SAMPLE - len(sample)]
        size = missing * self.form.dimension(encoder) * np.dtype(self.form.dtype).itemsize
        return MissingShards(stored, missing, characters, size, tuple(sample))

    def queries(self, encoder: AnyEncoder, queries: Sequence[Query], tally: Tally | None = None) -> Any:
        """What the queries become, in their order; `tally` counts what it cost.

        Dense: `(len(queries), dimension)` float32. Sparse: a CSR array. Token vectors: a list of arrays.
        """
        order = sorted(range(len(queries)), key=lambda i: queries[i].language)
        task = EncodePiece(encoder, "query", self._shelf(encoder), self.form)
        found: list[Any] = []
        with progress(f"encode queries ({encoder.identity.name})", total=len(queries), unit="query") as bar:
            for piece in _pieces((queries[i] for i in order), self.shard_size):
                outcome = task(piece)
                found.append((task.shelf.open(outcome.manifest), outcome.manifest.lengths))
                if tally is not None:
                    tally.add(outcome)
                bar.advance(outcome.manifest.rows)
        return self.form.joined(found, np.argsort(np.array(order, dtype=np.int64)), encoder)

    def _shelf(self, encoder: AnyEncoder) -> Shelf:
        return Shelf(self.home, encoder.identity.digest[:16])


def _pieces(texts: Iterable[Text], size: int) -> Iterator[Piece[Text]]:
    for language, group in groupby(texts, key=lambda text: text.language):
        while part := tuple(islice(group, size)):
            yield Piece(language, part)


def _noting_ids(pieces: Iterable[Piece[Document]], ids: list[pa.LargeStringArray]) -> Iterator[Piece[Document]]:
    """Pass pieces on, keeping their ids: an executor may take pieces faster than it returns outcomes."""
    import pyarrow as pa

    for piece in pieces:
        try:
            ids.append(pa.array([text.id for text in piece.texts], type=pa.large_string()))
        except UnicodeEncodeError as error:
            raise InputError(f"a document id is not valid Unicode: {error.object!r}", remedy="mend the id") from error
        yield piece


def _check_unique(ids: pa.ChunkedArray) -> None:
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
