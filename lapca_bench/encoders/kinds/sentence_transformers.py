"""A folder that sentence-transformers loads, with its own modules, as an encoder.

A SentenceTransformer object that exists already goes through `adapt`, like every object with `encode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from lapca_bench.digest import digest_file, digest_value
from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, NotIdentity, identity_settings
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import CheckpointSettings, DenseSettings
from lapca_bench.encoders.texts import well_formed
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.errors import InputError
from lapca_bench.extras import need, releases

_PARTS = (".safetensors", ".json", ".txt", ".model")  # what weights, modules and tokenizers are written in


class SentenceTransformersSettings(CheckpointSettings, DenseSettings):
    """A folder (or hub name) that sentence-transformers loads with its own modules."""

    type: Literal["sentence-transformers"]
    max_length: int | None = Field(default=None, ge=1)
    batch_size: Annotated[int, NotIdentity] = Field(default=32, ge=1)

    def encoder(self, name: str | None = None) -> SentenceTransformerEncoder:
        """The encoder of these settings."""
        return SentenceTransformerEncoder(self, name or self.checkpoint)


class SentenceTransformerEncoder(DenseEncoder[SentenceTransformersSettings]):
    """An encoder described by `SentenceTransformersSettings`; its prompts are the card's, not the folder's."""

    def __init__(self, settings: SentenceTransformersSettings, name: str) -> None:
        super().__init__(settings, name)
        self._folder = find(settings.checkpoint, settings.revision)
        if not (self._folder / "modules.json").is_file():
            remedy = "point `checkpoint` at a sentence-transformers folder, or use type = transformer"
            raise InputError("holds no modules.json", path=self._folder, remedy=remedy)

    @cached_property
    def _model(self) -> Any:
        library = need("sentence_transformers", "sentence-transformers")
        try:
            model = library.SentenceTransformer(
                str(self._folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
            remedy = "fetch the checkpoint again; pickled weights and remote code are not loaded"
            raise InputError(
                f"sentence-transformers cannot load it: {error}", path=self._folder, remedy=remedy
            ) from error
        if self._settings.max_length is not None:
            model.max_seq_length = self._settings.max_length
        return model

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digest of every file that the folder's modules are made of, and every setting that changes a vector."""
        settings = identity_settings(self._settings)
        settings["files"] = digest_value({_name(self._folder, path): digest_file(path) for path in self._parts()})
        versions = releases("sentence-transformers", "torch", "transformers", "tokenizers")
        return EncoderIdentity(self._name, settings, versions)

    def _parts(self) -> list[Path]:
        return [path for path in sorted(self._folder.rglob("*")) if path.suffix in _PARTS and path.is_file()]

    @cached_property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return int(self._vectors(["x"], None).shape[1])

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors = self._vectors(texts, self.dimension)
        return normalised(vectors) if self._settings.normalise else vectors

    def _vectors(self, texts: list[str], dimension: int | None) -> Vectors:
        returned = self._model.encode(
            [well_formed(text) for text in texts],
            prompt="",
            batch_size=self._settings.batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=False,
        )
        return checked(returned, name=self._name, texts=len(texts), dimension=dimension)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
