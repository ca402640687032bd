"""A folder that sentence-transformers loads, with its own modules, as an encoder of each of its three kinds.

One vector per text (SentenceTransformer), term weights (SparseEncoder) or a vector per token (MultiVectorEncoder, which
reads PyLate's and ColBERT's own folders too). A model object that exists already goes through `adapt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, IdentityIfSet
from lapca_bench.encoders.prompted import DenseEncoder, PromptedEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.sentence_settings import SentenceSettings
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.encoders.stated import FolderStatement
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.sentence_model import SentenceModel
from lapca_bench.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class SentenceTransformersSettings(SentenceSettings, DenseSettings):
    """A folder (or hub name) that sentence-transformers loads with its own modules.

    A `similarity` that is not given here is the one that the folder states (else cosine). `dimension` keeps the first
    columns of Matryoshka vectors (default: what the folder states).
    """

    dimension: Annotated[int | None, IdentityIfSet] = Field(default=None, ge=1)

    def encoder(self, name: str | None = None) -> SentenceTransformerEncoder:
        """The encoder of these settings."""
        return SentenceTransformerEncoder(self, name or self.checkpoint)


class SentenceTransformerEncoder(DenseEncoder[SentenceTransformersSettings]):
    """An encoder described by `SentenceTransformersSettings`."""

    def __init__(self, settings: SentenceTransformersSettings, name: str) -> None:
        statement = FolderStatement(find(settings.checkpoint, settings.revision))
        if "similarity" not in settings.model_fields_set and statement.sentences.get("similarity_fn_name") == "dot":
            as_it_comes = {"similarity": "dot", "normalise": False}
            settings = settings.model_copy(update={**as_it_comes, **settings.model_dump(exclude_unset=True)})
        super().__init__(settings, name)
        self._model = SentenceModel(settings, "SentenceTransformer", name)
        if not (self._model.folder / "modules.json").is_file():
            remedy = "point `checkpoint` at a sentence-transformers folder, or use type = transformer"
            raise InputError("holds no modules.json", path=self._model.folder, remedy=remedy)

    @property
    def identity(self) -> EncoderIdentity:
        """Digest of every file that the folder's modules are made of, and every setting that changes a vector."""
        return self._model.identity

    @cached_property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._vectors(["x"], "document", None).shape[1])

    def _prompt(self, side: VectorSide) -> str:
        return self._model.prompt(side)

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors = self._vectors(texts, side, self.dimension)
        return normalised(vectors) if self._settings.normalise else vectors

    def _vectors(self, texts: list[str], side: VectorSide, dimension: int | None) -> Vectors:
        further = {} if self._settings.dimension is None else {"truncate_dim": self._settings.dimension}
        returned = self._model.encode(texts, side, convert_to_numpy=True, normalize_embeddings=False, **further)
        return checked(returned, name=self._name, texts=len(texts), dimension=dimension)


class SentenceSparseSettings(SentenceSettings):
    """A SparseEncoder of sentence-transformers, such as SPLADE: a folder or hub name."""

    def encoder(self, name: str | None = None) -> SentenceSparseEncoder:
        """The encoder of these settings."""
        return SentenceSparseEncoder(self, name or self.checkpoint)


class SentenceSparseEncoder(PromptedEncoder[SentenceSparseSettings, "csr_array"]):
    """A learned sparse encoder described by `SentenceSparseSettings`."""

    def __init__(self, settings: SentenceSparseSettings, name: str) -> None:
        super().__init__(settings, name)
        self._model = SentenceModel(settings, "SparseEncoder", name)

    @property
    def identity(self) -> EncoderIdentity:
        """Digest of every file that the folder's modules are made of, and every setting that changes a weight."""
        return self._model.identity

    @cached_property
    def terms(self) -> int:
        """Columns of the returned arrays."""
        return int(self._encode(["x"], "document", [None]).shape[1])

    def _prompt(self, side: VectorSide) -> str:
        return self._model.prompt(side)

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> csr_array:  # noqa: ARG002
        from scipy.sparse import csr_array

        if not texts:
            return self._encode(["x"], side, [None])[:0]
        returned = self._model.encode(texts, side, convert_to_sparse_tensor=True, save_to_cpu=True).coalesce()
        weights = np.asarray(returned.values().float().numpy())
        if not np.isfinite(weights).all():
            checked(returned, name=self._name, texts=len(texts), dimension=None)  # tells which text it is
        rows, terms = returned.indices().numpy()  # in the order of the rows
        starts = np.searchsorted(rows, np.arange(len(texts) + 1))
        return csr_array((weights, terms, starts), shape=(len(texts), returned.shape[1]), dtype=np.float32)


class SentenceTokenVectorSettings(SentenceSettings):
    """A MultiVectorEncoder of sentence-transformers, or a folder of PyLate or ColBERT: a folder or hub name."""

    def encoder(self, name: str | None = None) -> SentenceTokenVectorEncoder:
        """The encoder of these settings."""
        return SentenceTokenVectorEncoder(self, name or self.checkpoint)


class SentenceTokenVectorEncoder(PromptedEncoder[SentenceTokenVectorSettings, list[Vectors]]):
    """A multi-vector encoder described by `SentenceTokenVectorSettings`."""

    def __init__(self, settings: SentenceTokenVectorSettings, name: str) -> None:
        super().__init__(settings, name)
        self._model = SentenceModel(settings, "MultiVectorEncoder", name)

    @property
    def identity(self) -> EncoderIdentity:
        """Digest of every file that the folder's modules are made of, and every setting that changes a vector."""
        return self._model.identity

    @cached_property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._encode(["x"], "document", [None])[0].shape[1])

    def _prompt(self, side: VectorSide) -> str:
        return self._model.prompt(side)

    def _encode(
        self,
        texts: list[str],
        side: VectorSide,
        languages: Sequence[str | None],  # noqa: ARG002
    ) -> list[Vectors]:
        if not texts:
            return []
        returned = self._model.encode(texts, side, convert_to_numpy=True)
        return [checked(one, name=self._name, texts=len(one), dimension=None) for one in returned]
