"""The static encoder: one matrix of token vectors, a text is the mean of its tokens' rows.

Reads model2vec's layout (`embeddings`, optional `weights` per token and `mapping` of tokens to rows, in one safetensors
file) and that of sentence-transformers' StaticEmbedding (`embedding.weight`). int8 matrices are taken at face value:
their scale is one number, which a cosine does not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lapca_bench.digest import digest_file
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, IdentityIfSet, identity_settings
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import CheckpointSettings, DenseSettings
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.tokenizer import Tokenizer, Tokens, load_tokenizer, tokenizer_digest
from lapca_bench.errors import InputError
from lapca_bench.extras import releases

CHUNK = 1024  # texts pooled at once
_MATRIX_NAMES = ("embeddings", "embedding.weight")


def _matrix_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*_StaticEmbedding/*.safetensors"))
    if len(files) != 1:
        remedy = "point `checkpoint` at the folder with model.safetensors and tokenizer.json"
        raise InputError(f"{len(files)} safetensors files here, one is due", path=folder, remedy=remedy)
    return files[0]


class StaticSettings(CheckpointSettings, DenseSettings):
    """The mean of token vectors: a safetensors matrix and a tokenizer.json in one folder.

    Texts are cut at `max_characters`, then at `max_length` tokens. `dimension` keeps the first columns of a Matryoshka
    matrix; `tensor` names the matrix where it is not where model2vec and sentence-transformers' StaticEmbedding put it.
    """

    type: Literal["static"]
    tensor: str | None = None
    dimension: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=1)
    max_characters: Annotated[int | None, IdentityIfSet] = Field(default=None, ge=1)

    def encoder(self, name: str | None = None) -> StaticEncoder:
        """The encoder of these settings."""
        return StaticEncoder(self, name or self.checkpoint)


class StaticEncoder(DenseEncoder[StaticSettings]):
    """An encoder described by `StaticSettings`; a text without any known token gets the zero vector."""

    def __init__(self, settings: StaticSettings, name: str) -> None:
        super().__init__(settings, name)
        self._file = _matrix_file(find(settings.checkpoint, settings.revision))

    @cached_property
    def _tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors: dict[str, npt.NDArray[np.generic]] = load_file(self._file)
        except (OSError, SafetensorError) as error:
            raise InputError(f"cannot read: {error}", path=self._file, remedy="fetch it again") from error
        return tensors

    @cached_property
    def _matrix(self) -> Vectors:
        names = (self._settings.tensor,) if self._settings.tensor else _MATRIX_NAMES
        found = next((self._tensors[name] for name in names if name in self._tensors), None)
        if found is None or found.ndim != 2:
            remedy = f"set `tensor` to one of {', '.join(sorted(self._tensors))}"
            raise InputError("holds no matrix of token vectors", path=self._file, key="tensor", remedy=remedy)
        width = self._settings.dimension or found.shape[1]
        if width > found.shape[1]:
            remedy = f"set it to {found.shape[1]} or less"
            raise InputError(
                f"the matrix has {found.shape[1]} columns", path=self._file, key="dimension", remedy=remedy
            )
        matrix = checked(found[:, :width], name=self._name, texts=len(found), dimension=width)
        weights = self._tensors.get("weights")
        mapping = self._tensors.get("mapping")
        if mapping is not None:
            matrix = matrix[mapping.astype(np.int64)]
        return matrix if weights is None else (matrix * weights.astype(np.float32)[:, None]).astype(np.float32)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self._file.parent)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of matrix and tokenizer, and every setting that changes a vector."""
        settings = identity_settings(self._settings)
        settings["weights"] = digest_file(self._file)
        settings["tokenizer"] = tokenizer_digest(self._file.parent)
        return EncoderIdentity(self._name, settings, releases("tokenizers"))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._matrix.shape[1])

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._tokenizer.encode(texts, max_length, special_tokens=False)

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), CHUNK):
            chunk = [text[: self._settings.max_characters] for text in texts[start : start + CHUNK]]
            tokens = self._tokenizer.encode(chunk, self._settings.max_length, special_tokens=False)
            for row, ids in enumerate(tokens.ids, start):
                known = ids[(ids < len(self._matrix)) & (ids != self._tokenizer.unknown)]
                if len(known):
                    vectors[row] = self._matrix[known].mean(axis=0, dtype=np.float64)
        return normalised(vectors) if self._settings.normalise else vectors
