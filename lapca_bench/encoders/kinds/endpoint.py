"""An encoder that a server runs: any address that speaks OpenAI's embeddings, with the cost in tokens in the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from lapca_bench.encoders.checked import checked, normalised
from lapca_bench.encoders.identity import EncoderIdentity, NotIdentity, identity_settings
from lapca_bench.encoders.prompted import DenseEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.encoders.texts import well_formed
from lapca_bench.progress import progress
from lapca_bench.resources.endpoint import EmbeddingEndpoint


class EndpointSettings(DenseSettings):
    """A server of vectors in the form of OpenAI's embeddings, asked only where a command was given --allow-network.

    `url` is the address before "/embeddings", such as "https://api.openai.com/v1"; `model` is sent with every request,
    `dimension` too where it is set. The key is read from the environment variable `key_variable` and recorded nowhere.
    A request holds `texts_per_request` texts, each cut at `max_characters`. What stands behind a model's name may
    change without notice: nothing here can tell.
    """

    type: Literal["endpoint"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]
    model: Annotated[str, Field(min_length=1)]
    dimension: int | None = Field(default=None, ge=1)
    max_characters: int | None = Field(default=None, ge=1)
    key_variable: Annotated[str, NotIdentity, Field(pattern=r"^[A-Za-z_]\w*$")] = "OPENAI_API_KEY"
    texts_per_request: Annotated[int, NotIdentity] = Field(default=64, ge=1, le=2048)
    requests_per_minute: Annotated[int | None, NotIdentity] = Field(default=None, ge=1)
    retries: Annotated[int, NotIdentity] = Field(default=5, ge=0, le=20)

    def encoder(self, name: str | None = None) -> EndpointEncoder:
        """The encoder of these settings."""
        return EndpointEncoder(self, name or self.model)


class EndpointEncoder(DenseEncoder[EndpointSettings]):
    """An encoder described by `EndpointSettings`."""

    def __init__(self, settings: EndpointSettings, name: str) -> None:
        super().__init__(settings, name)
        self._endpoint = EmbeddingEndpoint(
            settings.url, settings.model, settings.key_variable, settings.requests_per_minute, settings.retries
        )

    @property
    def usage(self) -> Mapping[str, int]:
        """Requests so far, and tokens as the server counts them."""
        return self._endpoint.usage

    @property
    def identity(self) -> EncoderIdentity:
        """Address, model and every setting that changes a vector; the weights behind them are not known."""
        return EncoderIdentity(self._name, identity_settings(self._settings))

    @cached_property
    def dimension(self) -> int:
        """Columns of the returned arrays; asked of the server where the card does not say it."""
        return self._settings.dimension or int(self._asked(["x"], None).shape[1])

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> Vectors:  # noqa: ARG002
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        step = self._settings.texts_per_request
        parts = []
        with progress(f"encode ({self._name})", total=len(texts), unit="text") as bar:
            for start in range(0, len(texts), step):
                parts.append(self._asked(texts[start : start + step], self.__dict__.get("dimension")))
                self.__dict__.setdefault("dimension", int(parts[0].shape[1]))
                bar.advance(len(parts[-1]))
        vectors = np.concatenate(parts)
        return normalised(vectors) if self._settings.normalise else vectors

    def _asked(self, texts: list[str], dimension: int | None) -> Vectors:
        sent = [well_formed(text[: self._settings.max_characters]) or " " for text in texts]  # servers refuse ""
        rows = self._endpoint.embed(sent, self._settings.dimension)
        return checked(rows, name=self._name, texts=len(texts), dimension=dimension or self._settings.dimension)
