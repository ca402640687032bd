"""Post-processing of a frozen encoder's vectors, fitted on unlabelled vectors: the heads that zero-shot papers use.

Each is one affine map per language (or one for all): `x -> (x - offset) @ projection`, less what lies along the
directions of `removed`, followed by L2 normalisation where similarity is cosine. Labels and judgements take no part in
fitting. Trained heads (`training.heads`) are maps of the same form, for all languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from lapca_bench.digest import digest_bytes, digest_value
from lapca_bench.encoders.checked import normalised
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.encoders.wrapped import WrappedEncoder
from lapca_bench.errors import EncoderError, UsageError
from lapca_bench.types import Document

Method = Literal["centring", "language-mean-removal", "whitening", "lir"]
Float64 = npt.NDArray[np.float64]
EVERY = "*"  # the key of a map that serves all languages


@dataclass(frozen=True, eq=False)
class AffineMap:
    """`x -> y - (y @ removed.T) @ removed` with `y = (x - offset) @ projection`.

    `offset` is `(in,)`, `projection` `(in, out)`, `removed` has orthonormal rows `(directions, in)`; both default to
    nothing done, and no map has both.
    """

    offset: Float64
    projection: Float64 | None = None
    removed: Float64 | None = None

    def apply(self, vectors: Vectors) -> Vectors:
        """`(n, in)` to `(n, out)` float32."""
        moved = vectors.astype(np.float64) - self.offset
        if self.projection is not None:
            moved = moved @ self.projection
        if self.removed is not None:
            moved = moved - (moved @ self.removed.T) @ self.removed
        mapped: Vectors = moved.astype(np.float32)
        return mapped

    @property
    def arrays(self) -> dict[str, Float64]:
        """What it is made of, by name."""
        given = {"offset": self.offset, "projection": self.projection, "removed": self.removed}
        return {name: array for name, array in given.items() if array is not None}

    @property
    def digest(self) -> str:
        """Digest of its arrays."""
        return digest_value(
            {name: digest_bytes(np.ascontiguousarray(array).tobytes()) for name, array in self.arrays.items()}
        )


@dataclass(frozen=True, eq=False)
class PostProcessing:
    """A fitted or trained head: a map per language, or one under `EVERY`. `method` is its name."""

    method: str
    maps: Mapping[str, AffineMap]

    @cached_property
    def digest(self) -> str:
        """Digest of method and maps."""
        return digest_value({"method": self.method, **{language: one.digest for language, one in self.maps.items()}})

    def map_for(self, language: str) -> AffineMap:
        """The map of a language; raises `UsageError` when the method was not fitted for it."""
        found = self.maps.get(language, self.maps.get(EVERY))
        if found is None:
            remedy = f"fit it with texts of that language; it knows {', '.join(sorted(self.maps))}"
            raise UsageError(f"{self.method} was not fitted for language {language or 'none'!r}", remedy=remedy)
        return found


def _matrices(vectors: Mapping[str, Vectors]) -> dict[str, Float64]:
    if not vectors or any(len(one) == 0 for one in vectors.values()):
        raise UsageError("post-processing needs at least one vector of every language")
    if len({one.shape[1] for one in vectors.values()}) != 1:
        raise EncoderError("post-processing was given vectors of different dimensions")
    return {language: one.astype(np.float64) for language, one in sorted(vectors.items())}


def centring(vectors: Mapping[str, Vectors]) -> PostProcessing:
    """Subtract each language's mean vector from its texts.

    Libovický, Rosa, Fraser 2020, On the Language Neutrality of Pre-trained Multilingual Representations (Findings of
    EMNLP), section on centring.
    """
    maps = {language: AffineMap(one.mean(axis=0)) for language, one in _matrices(vectors).items()}
    return PostProcessing("centring", maps)


def language_mean_removal(vectors: Mapping[str, Vectors], components: int | None = None) -> PostProcessing:
    """Remove the subspace in which the languages' means differ; one map for all, so no text needs a language.

    After Xie, Zhao, Yu, Li 2022, Discovering Low-rank Subspaces for Language-agnostic Multilingual Representations
    (EMNLP); their step that makes the common mean orthogonal to the subspace is left out. `components` is the number of
    directions (default: all, one less than languages).
    """
    matrices = _matrices(vectors)
    means = np.stack([one.mean(axis=0) for one in matrices.values()])
    most = len(means) - 1
    kept = most if components is None else components
    if not 0 <= kept <= most:
        raise UsageError(f"{len(means)} languages have at most {most} directions between their means")
    _, _, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    whole = AffineMap(np.zeros(means.shape[1]), removed=directions[:kept])
    return PostProcessing("language-mean-removal", {EVERY: whole})


def whitening(vectors: Mapping[str, Vectors], dimension: int | None = None) -> PostProcessing:
    """Centre all vectors and make their covariance the identity; `dimension` keeps that many leading directions.

    Su, Cao, Liu, Ou 2021, Whitening Sentence Representations for Better Semantics and Faster Retrieval
    (arXiv:2103.15316): W = U diag(1 / sqrt(eigenvalues)). Directions without variance are dropped.
    """
    everything = np.concatenate(list(_matrices(vectors).values()))
    mean = everything.mean(axis=0)
    values, directions = np.linalg.eigh(np.cov(everything - mean, rowvar=False, bias=True).reshape(len(mean), -1))
    order = np.argsort(values)[::-1]
    order = order[values[order] > values.max() * 1e-10]
    kept = order[: dimension or len(order)]
    if len(kept) == 0:
        raise UsageError("the vectors do not vary: there is nothing to whiten", remedy="give more texts")
    return PostProcessing("whitening", {EVERY: AffineMap(mean, directions[:, kept] / np.sqrt(values[kept]))})


def lir(vectors: Mapping[str, Vectors], components: int = 1) -> PostProcessing:
    """Remove from each language's texts its own leading singular directions, which encode the language itself.

    Yang, Yang, Cer, Darve 2021, A Simple and Effective Method To Eliminate the Self Language Bias in Multilingual
    Representations (EMNLP): the r first singular directions of a language's uncentred vectors.
    """
    matrices = _matrices(vectors)
    dimension = next(iter(matrices.values())).shape[1]
    if not 1 <= components < dimension:
        raise UsageError(f"LIR removes between 1 and {dimension - 1} components, not {components}")
    maps = {}
    for language, one in matrices.items():
        # The right singular vectors are the eigenvectors of the small Gram matrix.
        _, directions = np.linalg.eigh(one.T @ one)
        maps[language] = AffineMap(np.zeros(dimension), removed=directions[:, -components:].T)
    return PostProcessing("lir", maps)


def fit(method: Method, vectors: Mapping[str, Vectors], components: int | None = None) -> PostProcessing:
    """The method of this name, with its own default where `components` is None (whitening: directions kept)."""
    match method:
        case "centring":
            return centring(vectors)
        case "language-mean-removal":
            return language_mean_removal(vectors, components)
        case "whitening":
            return whitening(vectors, components)
        case "lir":
            return lir(vectors, 1 if components is None else components)


class PostProcessedEncoder(WrappedEncoder):
    """An encoder followed by a fitted `PostProcessing`; the same map serves queries and documents of a language."""

    def __init__(self, encoder: Encoder, processing: PostProcessing, name: str | None = None) -> None:
        super().__init__(encoder)
        self._processing = processing
        self._name = name or f"{encoder.identity.name} + {processing.method}"

    @cached_property
    def identity(self) -> EncoderIdentity:
        """The inner encoder's identity and the digest of the fitted maps."""
        inner = self._encoder.identity
        settings = {
            "postprocessing": self._processing.method,
            "postprocessing.maps": self._processing.digest,
            "encoder": inner.digest,
        }
        return EncoderIdentity(self._name, settings)

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        one = next(iter(self._processing.maps.values()))
        return self._encoder.dimension if one.projection is None else int(one.projection.shape[1])

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:
        """`(len(texts), dimension)` float32; `language` is needed by methods with a map per language."""
        vectors = self._encoder.encode_queries(texts, language=language)
        return self._finish(self._processing.map_for(language or "").apply(vectors))

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:
        """`(len(documents), dimension)` float32; without `language` each document's own is used."""
        vectors = self._encoder.encode_documents(documents, language=language)
        languages = np.asarray([language or document.language for document in documents], dtype=object)
        mapped = np.empty((len(documents), self.dimension), dtype=np.float32)
        for one in sorted(set(languages)):
            rows = np.flatnonzero(languages == one)
            mapped[rows] = self._processing.map_for(one).apply(vectors[rows])
        return self._finish(mapped)

    def _finish(self, vectors: Vectors) -> Vectors:
        return normalised(vectors) if self.similarity == "cosine" else vectors
