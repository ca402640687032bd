"""Heads over a frozen dense system: post-processing fitted on the collection's own documents, or a head from a file.

Vectors come from the store of the dense system, so a head costs a matrix product and no encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.postprocessing import EVERY, Method, PostProcessedEncoder, PostProcessing, fit
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.weights.head_file import find_head, read_head
from lapca_bench.errors import UsageError
from lapca_bench.run import Run
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.dense import DenseSystem, dense_part
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.stored_encoder import StoredEncoder
from lapca_bench.store.vectors import StoredCorpus
from lapca_bench.types import Query


def with_head(dense: DenseSystem, head: PostProcessing, name: str) -> DenseSystem:
    """The dense system whose vectors pass through a head."""
    encoder = PostProcessedEncoder(StoredEncoder(dense.encoder, dense.store), head, name)
    return DenseSystem(encoder, dense.store, dense.executor, name)


class HeadSystemSettings(SystemSettings):
    """Table `[head]`: a post-processing or a trained head over dense `system`.

    Either `fit` on the documents of each collection (at most `sample` per language), or `weights` from a file, a path
    or "package:path/inside/it". `components`: directions removed (lir, language-mean-removal) or kept (whitening).
    """

    system: str
    fit: Method | None = None
    components: int | None = Field(default=None, ge=1)
    sample: int = Field(default=10_000, ge=1)
    weights: str | None = None

    @model_validator(mode="after")
    def _fit_or_weights(self) -> Self:
        if (self.fit is None) == (self.weights is None):
            raise ValueError("a head has either `fit` or `weights`")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """The dense system."""
        return (self.system,)


class HeadCard(SystemCard):
    """A dense system behind a head."""

    kind: Literal["head"]
    head: HeadSystemSettings

    def check(self) -> None:
        """Raise `InputError` where there is no such file of weights."""
        if self.head.weights is not None:
            find_head(self.head.weights)

    def make(self, making: Making) -> DenseSystem | FittedSystem:
        """The system over the dense one."""
        settings = self.head
        dense = dense_part(making, settings.system, "head.system")
        if settings.fit is not None:
            return FittedSystem(dense, settings.fit, settings.components, settings.sample, self.name)
        head, _ = read_head(find_head(settings.weights or ""))
        return with_head(dense, head, self.name)


class FittedSystem:
    """A dense system behind a post-processing that is fitted anew on the documents of each collection.

    Fitting sees the vectors of at most `sample` documents per language, evenly spaced, and no query: what an engine
    knows when it has indexed its corpus. A query gets the map of its language, so a method with a map per language
    needs documents in every language that is asked in.
    """

    def __init__(self, dense: DenseSystem, method: Method, components: int | None, sample: int, name: str) -> None:
        self._dense = dense
        self._method: Method = method
        self._components = components
        self._sample = sample
        self.name = name

    @property
    def parts(self) -> tuple[DenseSystem, ...]:
        """The systems that it is made of."""
        return (self._dense,)

    @property
    def identity(self) -> SystemIdentity:
        """Method, its parameters and the dense system."""
        return SystemIdentity(
            "head",
            {
                "fit": self._method,
                "components": self._components,
                "sample": self._sample,
                "on": "documents of the collection",
                "dense": self._dense.identity.digest,
            },
        )

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries."""
        corpus = self._dense.store.documents(self._dense.encoder, collection.documents(), self._dense.executor)
        head = fit(self._method, dict(_by_language(corpus, self._sample)), self._components)
        self._check(head, queries)
        return with_head(self._dense, head, self.name).search(collection, queries, k)

    def _check(self, head: PostProcessing, queries: Sequence[Query]) -> None:
        missing = {query.language for query in queries} - set(head.maps)
        if missing and EVERY not in head.maps:
            raise UsageError(
                f"{self.name}: queries in {', '.join(sorted(missing))}, but no document to fit {self._method} on",
                remedy="use a head from a file (`lapca-bench heads make`), or a collection with documents in them",
            )


def _by_language(corpus: StoredCorpus, sample: int) -> Iterator[tuple[str, Vectors]]:
    """At most `sample` vectors of each language, evenly spaced over its documents."""
    shards: dict[str, list[Vectors]] = {}
    for (language, _), matrix in zip(corpus.languages, corpus.matrices(), strict=True):
        shards.setdefault(language, []).append(matrix)
    for language, matrices in shards.items():
        yield language, _spaced(matrices, sample)


def _spaced(matrices: Sequence[Vectors], sample: int) -> Vectors:
    total = sum(map(len, matrices))
    wanted = np.unique(np.linspace(0, total - 1, min(sample, total)).round().astype(np.int64))
    start, kept = 0, []
    for matrix in matrices:
        inside = wanted[(wanted >= start) & (wanted < start + len(matrix))] - start
        kept.append(np.asarray(matrix[inside], dtype=np.float32))
        start += len(matrix)
    return np.concatenate(kept)
