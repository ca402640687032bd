"""Learned sparse encoders: texts in, one sparse row of term weights per text out.

SPLADE-like models (Formal et al. 2021, SPLADE v2, arXiv:2109.10086) and BGE-M3's lexical weights (Chen et al. 2024,
arXiv:2402.03216).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from lapca_bench.digest import digest_file
from lapca_bench.encoders.identity import EncoderIdentity, NotIdentity, identity_settings
from lapca_bench.encoders.prompted import PromptedEncoder
from lapca_bench.encoders.protocol import Vectors, VectorSide
from lapca_bench.encoders.settings import NetworkSettings
from lapca_bench.encoders.weights.batching import Rows, run_batches
from lapca_bench.encoders.weights.dense_layer import DenseLayer, layer_digest, load_dense_layer
from lapca_bench.encoders.weights.network import Network
from lapca_bench.encoders.weights.tokenizer import Tokens
from lapca_bench.errors import InputError
from lapca_bench.extras import releases
from lapca_bench.parsing import json_value

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Terms = npt.NDArray[np.int64]  # columns of the vocabulary


class SparseSettings(NetworkSettings):
    """A learned sparse encoder: a weight for each token of the vocabulary, most of them zero.

    `expansion` "masked-lm" is SPLADE's: log(1 + ReLU(logit)) of the language-modelling head, the maximum over the
    text's tokens. "tokens" is BGE-M3's: ReLU of a linear layer (`head`, a safetensors file in the checkpoint's folder)
    over each token's vector, the maximum over the places where a token stands. `special_tokens` "drop" leaves out
    those that stand for no text, and the unknown token. `query_weights`, a JSON file {token: weight} in the
    checkpoint's folder, makes of a query the weights of its distinct tokens, without the model.
    """

    type: Annotated[Literal["transformer"], NotIdentity] = "transformer"
    expansion: Literal["masked-lm", "tokens"]
    head: Annotated[str | None, NotIdentity] = None
    special_tokens: Literal["keep", "drop"] = "drop"
    query_weights: Annotated[str | None, NotIdentity] = None

    @model_validator(mode="after")
    def _tokens_need_a_head(self) -> Self:
        if (self.expansion == "tokens") != (self.head is not None):
            msg = 'expansion = "tokens" and `head` go together'
            raise ValueError(msg)
        return self

    def encoder(self, name: str | None = None) -> SparseTransformerEncoder:
        """The encoder of these settings."""
        return SparseTransformerEncoder(self, name or self.checkpoint)


class SparseTransformerEncoder(PromptedEncoder[SparseSettings, "csr_array"]):
    """A learned sparse encoder described by `SparseSettings`; weights are loaded when the first text is encoded."""

    def __init__(self, settings: SparseSettings, name: str) -> None:
        super().__init__(settings, name)
        longest = max(settings.query_max_length, settings.document_max_length)
        architecture = "masked-lm" if settings.expansion == "masked-lm" else "auto"
        self._network = Network(settings, name, longest, architecture)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of everything read from the checkpoint, and every setting that changes a weight."""
        settings = {"kind": "sparse", **identity_settings(self._settings), **self._network.digests}
        folder = self._network.folder
        if self._settings.head is not None:
            settings["head"] = layer_digest(folder / self._settings.head)
        if self._settings.query_weights is not None:
            self._query_weights  # noqa: B018 - an unreadable file is refused before its digest counts
            settings["query_weights"] = digest_file(folder / self._settings.query_weights)
        return EncoderIdentity(self._network.name, settings, releases("torch", "transformers", "tokenizers"))

    @cached_property
    def terms(self) -> int:
        """Columns of the returned arrays."""
        stated = self._network.config.get("vocab_size")
        return stated if isinstance(stated, int) else self._network.tokenizer.size

    @cached_property
    def _head(self) -> DenseLayer | None:
        """What gives a token its weight, where that is no language-modelling head."""
        if self._settings.head is None:
            return None
        path = self._network.folder / self._settings.head
        head = load_dense_layer(path, "identity")
        if head.weight.shape != (1, self._network.width):
            message = f"its weight is of shape {head.weight.shape}, (1, {self._network.width}) is due"
            raise InputError(message, path=path, remedy="name the layer that gives a token its weight")
        return head

    @cached_property
    def _query_weights(self) -> Vectors | None:
        """The weight of every token of the vocabulary in a query, where queries are weighed without the model."""
        if self._settings.query_weights is None:
            return None
        path = self._network.folder / self._settings.query_weights
        remedy = "it is a JSON object {token: weight}; fetch the checkpoint again"
        try:
            content = json_value(path.read_text(encoding="utf-8"))
            weights = {str(token): float(value) for token, value in content.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"no readable weights of query tokens: {error}", path=path, remedy=remedy) from error
        table = np.zeros(self.terms, dtype=np.float32)
        for token, number in self._network.tokenizer.vocabulary.items():
            table[number] = weights.get(token, 0.0)
        if not np.isfinite(table).all():
            raise InputError("a token's weight is not finite", path=path, remedy=remedy)
        return table

    @cached_property
    def _dropped(self) -> Terms:
        """Terms that never count."""
        if self._settings.special_tokens == "keep":
            return np.empty(0, dtype=np.int64)
        unknown = self._network.tokenizer.unknown
        special = self._network.tokenizer.special.astype(np.int64)
        return special if unknown is None else np.union1d(special, [unknown])

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._network.tokenizer.encode(texts, max_length)

    def _encode(self, texts: list[str], side: VectorSide, languages: Sequence[str | None]) -> csr_array:  # noqa: ARG002
        if side == "document":
            return self._expanded(self._network.tokenizer.encode(texts, self._settings.document_max_length))
        tokens = self._network.tokenizer.encode(texts, self._settings.query_max_length)
        weights = self._query_weights
        if weights is None:
            return self._expanded(tokens)
        terms = [np.setdiff1d(ids, self._dropped).astype(np.int64) for ids in tokens.ids]
        return self._rows([(one, weights[one]) for one in terms])

    def _expanded(self, tokens: Tokens) -> csr_array:
        forward = self._by_vocabulary if self._head is None else partial(self._by_token, self._head)
        found: list[tuple[Terms, Vectors]] = [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(tokens.ids)
        batches = run_batches(
            tokens.lengths,
            lambda rows: forward(tokens, rows),
            name=self._network.name,
            budget=self._network.budget(self._settings),
        )
        for rows, weights in batches:
            weights[:, self._dropped] = 0
            for row, dense in zip(rows, weights, strict=True):
                terms = np.flatnonzero(dense)
                found[row] = terms, dense[terms]
        return self._rows(found)

    def _by_vocabulary(self, tokens: Tokens, rows: Rows) -> Vectors:
        """SPLADE's weights: the maximum is taken first, since logarithm and ReLU keep the order."""
        import torch

        with torch.inference_mode():
            output, _, mask = self._network.run(tokens, rows)
            logits = output.logits.float().masked_fill(mask[:, :, None] == 0, -torch.inf)
            weights: Vectors = torch.log1p(torch.relu(logits.amax(dim=1))).cpu().numpy()
        return weights

    def _by_token(self, head: DenseLayer, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        with torch.inference_mode():
            output, ids, mask = self._network.run(tokens, rows)
            weights = torch.relu(head.apply(output.last_hidden_state.float())[:, :, 0]) * mask
            table = torch.zeros(len(ids), self.terms, device=ids.device)
            expanded: Vectors = table.scatter_reduce(1, ids, weights, "amax").cpu().numpy()
        return expanded

    def _rows(self, found: Sequence[tuple[Terms, Vectors]]) -> csr_array:
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], np.cumsum([len(terms) for terms, _ in found])]).astype(np.int64)
        terms = np.concatenate([np.empty(0, np.int64), *(terms for terms, _ in found)])
        weights = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in found)])
        return csr_array((weights, terms, starts), shape=(len(found), self.terms), dtype=np.float32)
