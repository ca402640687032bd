"""Multi-vector encoders: texts in, one vector per token out, for late interaction (Khattab & Zaharia 2020, ColBERT).

ColBERT-like checkpoints and, without a projection, the token vectors of any transformer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import model_validator

from lapca_bench.encoders.identity import EncoderIdentity, NotIdentity, identity_settings
from lapca_bench.encoders.prompted import PromptedEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import NetworkSettings
from lapca_bench.encoders.weights.batching import Rows, run_batches
from lapca_bench.encoders.weights.dense_layer import DenseLayer, layer_digest, load_dense_layer
from lapca_bench.encoders.weights.network import Network
from lapca_bench.encoders.weights.tokenizer import Ids, Tokens
from lapca_bench.errors import InputError
from lapca_bench.extras import releases


class LateInteractionSettings(NetworkSettings):
    """A multi-vector encoder: one normalised vector per token, as ColBERT has them.

    `projection` is a safetensors file in the checkpoint's folder whose `linear.weight` maps token vectors to narrower
    ones. `query_marker` and `document_marker` are tokens put after the first one of a text. `query_fill` fills queries
    up to their maximum length with a token whose vectors count (ColBERT's query augmentation); other tokens attend to
    them only with `query_fill_attended`. `skip_punctuation` leaves out the vectors of punctuation in documents,
    `special_tokens` "drop" those of tokens that stand for no text. `adapters` maps ISO codes to the language adapters
    of an X-MOD model, of which `default_adapter` serves all other languages.
    """

    type: Annotated[Literal["transformer"], NotIdentity] = "transformer"
    projection: Annotated[str | None, NotIdentity] = None
    query_marker: str | None = None
    document_marker: str | None = None
    query_fill: str | None = None
    query_fill_attended: bool = False
    skip_punctuation: bool = False
    special_tokens: Literal["keep", "drop"] = "keep"
    adapters: dict[str, str] | None = None
    default_adapter: str | None = None

    @model_validator(mode="after")
    def _adapters_have_a_default(self) -> Self:
        if (self.adapters is None) != (self.default_adapter is None):
            msg = "`adapters` and `default_adapter` go together"
            raise ValueError(msg)
        return self

    def encoder(self, name: str | None = None) -> TokenVectorEncoder:
        """The encoder of these settings."""
        return TokenVectorEncoder(self, name or self.checkpoint)


class TokenVectorEncoder(PromptedEncoder[LateInteractionSettings, list[Vectors]]):
    """A multi-vector encoder described by `LateInteractionSettings`."""

    def __init__(self, settings: LateInteractionSettings, name: str) -> None:
        super().__init__(settings, name)
        longest = max(settings.query_max_length, settings.document_max_length)
        self._network = Network(settings, name, longest, "auto")

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of everything read from the checkpoint, and every setting that changes a vector."""
        settings = {"kind": "late-interaction", **identity_settings(self._settings)}
        settings.update(self._network.digests)
        if self._settings.projection is not None:
            settings["projection"] = layer_digest(self._network.folder / self._settings.projection)
        return EncoderIdentity(self._network.name, settings, releases("torch", "transformers", "tokenizers"))

    @property
    def dimension(self) -> int:
        """Columns of the returned arrays."""
        return self._network.width if self._projection is None else self._projection.dimension

    @cached_property
    def _projection(self) -> DenseLayer | None:
        path = self._settings.projection
        return None if path is None else load_dense_layer(self._network.folder / path, "identity")

    @cached_property
    def _skipped(self) -> Ids:
        """Tokens whose vectors are left out of documents."""
        skipped = []
        if self._settings.special_tokens == "drop":
            skipped += self._network.tokenizer.special.tolist()
        if self._settings.skip_punctuation:
            for token, number in self._network.tokenizer.vocabulary.items():
                bare = token.replace("▁", "").removeprefix("##")  # marks of SentencePiece and WordPiece
                if bare and all(unicodedata.category(character)[0] == "P" for character in bare):
                    skipped.append(number)
        return np.array(sorted(skipped), dtype=np.int32)

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._network.tokenizer.encode(texts, max_length)

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> list[Vectors]:
        settings = self._settings
        if side == "document":
            tokens = self._tokens(texts, settings.document_max_length, settings.document_marker)
            return self._vectors(tokens, languages, self._skipped, None)
        tokens = self._tokens(texts, settings.query_max_length, settings.query_marker)
        attended = None
        if settings.query_fill is not None:
            attended = None if settings.query_fill_attended else tokens.lengths.tolist()
            fill = np.full(settings.query_max_length, self._id(settings.query_fill), dtype=np.int32)
            filled = [np.concatenate([ids, fill[len(ids) :]]) for ids in tokens.ids]
            tokens = Tokens(filled, tokens.truncated, tokens.unknown)
        dropped = self._network.tokenizer.special if settings.special_tokens == "drop" else np.empty(0, np.int32)
        return self._vectors(tokens, languages, dropped, attended)

    def _id(self, token: str) -> int:
        found = self._network.tokenizer.id_of(token)
        if found is None:
            raise InputError(f"the tokenizer has no token {token!r}", path=self._network.folder)
        return found

    def _tokens(self, texts: list[str], max_length: int, marker: str | None) -> Tokens:
        if marker is None:
            return self._network.tokenizer.encode(texts, max_length)
        tokens = self._network.tokenizer.encode(texts, max_length - 1)
        marked = [np.insert(ids, 1, self._id(marker)).astype(np.int32) for ids in tokens.ids]
        return Tokens(marked, tokens.truncated, tokens.unknown)

    def _vectors(
        self, tokens: Tokens, languages: Sequence[str | None], skipped: Ids, attended: list[int] | None
    ) -> list[Vectors]:
        found: list[Vectors] = [np.empty((0, self.dimension), dtype=np.float32)] * len(tokens.ids)
        batches = run_batches(
            tokens.lengths,
            lambda rows: self._forward(tokens, rows, languages, attended),
            name=self._network.name,
            budget=self._network.budget(self._settings),
            threads=self._network.threads,
        )
        for rows, batch in batches:
            for place, row in enumerate(rows):
                ids = tokens.ids[row]
                found[row] = batch[place, : len(ids)][~np.isin(ids, skipped)]
        return found

    def _forward(
        self, tokens: Tokens, rows: Rows, languages: Sequence[str | None], attended: list[int] | None
    ) -> Vectors:
        import torch

        further: dict[str, torch.Tensor] = {}
        if self._settings.adapters is not None:
            adapters = [self._adapter(languages[row]) for row in rows]
            further["lang_ids"] = torch.tensor(adapters, device=self._network.model.device)
        with torch.inference_mode():
            output, _, _ = self._network.run(tokens, rows, attended, **further)
            hidden = output.last_hidden_state.float()
            if self._projection is not None:
                hidden = self._projection.apply(hidden)
            vectors: Vectors = torch.nn.functional.normalize(hidden, dim=2).cpu().numpy()
        return vectors

    def _adapter(self, language: str | None) -> int:
        stated = self._network.config.get("languages")
        known = stated if isinstance(stated, list) else []
        wanted = (self._settings.adapters or {}).get(language or "", self._settings.default_adapter)
        if wanted not in known:
            message = f"the checkpoint has no language adapter {wanted!r}"
            remedy = f"it has {', '.join(map(str, known)) or 'none'}"
            raise InputError(message, path=self._network.folder / "config.json", remedy=remedy)
        return known.index(wanted)
