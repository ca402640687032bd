"""A small collection and an encoder that hashes words: enough to run every system in milliseconds."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import lil_array

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.run import Qrels
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document, Query

DIMENSION = 16


class WordHashEncoder:
    """Normalised sums of one pseudo-random vector per word; a text without words is a zero row.

    `calls` counts texts; `fails_at` raises once that many documents would have been encoded.
    """

    similarity = "cosine"
    dimension = DIMENSION

    def __init__(self, name: str = "toy", salt: int = 0, fails_at: int | None = None) -> None:
        self.identity = EncoderIdentity(name, {"salt": salt})
        self._salt = salt
        self._fails_at = fails_at
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None):
        self.encoded += texts
        return np.stack([self._vector(text) for text in texts])

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None):
        if self._fails_at is not None and len(self.encoded) + len(documents) > self._fails_at:
            raise KeyboardInterrupt
        return self.encode_queries([document.content() for document in documents])

    def _vector(self, text: str):
        total = np.zeros(DIMENSION)
        for word in re.findall(r"\w+", text.lower()):
            seed = hashlib.sha256(f"{self._salt} {word}".encode("utf-8", "surrogatepass")).digest()[:8]
            total += np.random.default_rng(int.from_bytes(seed, "little")).standard_normal(DIMENSION)
        norm = np.linalg.norm(total)
        return (total / norm if norm else total).astype(np.float32)


def words(text: str) -> list[str]:
    """Lower-cased words."""
    return re.findall(r"\w+", text.lower())


class WordCountEncoder:
    """A sparse row per text: how often each word occurs, the word hashed to one of 997 terms."""

    terms = 997

    def __init__(self, name: str = "toy-sparse") -> None:
        self.identity = EncoderIdentity(name, {"kind": "counts"})

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None):
        found = lil_array((len(texts), self.terms), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in words(text):
                digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
                found[row, int.from_bytes(digest[:4], "little") % self.terms] += 1
        return found.tocsr()

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None):
        return self.encode_queries([document.content() for document in documents])


class WordVectorsEncoder:
    """A matrix per text: the vector of each of its words; a text without words has none."""

    dimension = DIMENSION

    def __init__(self, name: str = "toy-tokens") -> None:
        self.identity = EncoderIdentity(name, {"kind": "words"})
        self._one = WordHashEncoder()

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None):
        return [np.stack([np.zeros(DIMENSION, np.float32), *map(self._one._vector, words(text))])[1:] for text in texts]

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None):
        return self.encode_queries([document.content() for document in documents])


class ToyCollection:
    """A collection in memory."""

    split = "test"
    fingerprint = "toy"

    def __init__(self, documents: Sequence[Document], queries: Sequence[Query] = (), self_match: str = "keep") -> None:
        self._documents = list(documents)
        self._queries = list(queries)
        self.card = CollectionCard(
            name="toy/toy",
            family="toy",
            title="Toy",
            version="1",
            licence="none",
            citation="none",
            url="https://example.org",
            policy=Policy(measures=("nDCG@10",), self_match=self_match),
            query_languages=("en",),
            document_languages=("en",),
        )

    def documents(self):
        return iter(self._documents)

    def queries(self):
        return self._queries

    def relevance(self):
        return Qrels({})


def documents(*texts: str, language: str = "en") -> list[Document]:
    """Documents d0, d1, … with these texts."""
    return [Document(f"d{i}", text, language=language) for i, text in enumerate(texts)]


def queries(*texts: str, language: str = "en") -> list[Query]:
    """Queries q0, q1, … with these texts."""
    return [Query(f"q{i}", text, language) for i, text in enumerate(texts)]


class Overlap:
    """A scorer of pairs: the number of shared words."""

    identity = SystemIdentity("overlap", {})

    def score(self, query: Query, documents: Sequence[Document]) -> list[int]:
        return [len(set(query.text.split()) & set(document.content().split())) for document in documents]


def dense(folder: Path) -> DenseSystem:
    """The dense system of hashed words, with shards of two vectors."""
    return DenseSystem(WordHashEncoder(), VectorStore(folder / "vectors", shard_size=2))
