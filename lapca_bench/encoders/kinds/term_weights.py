"""Learned sparse encoders: texts in, one sparse row of term weights per text out.

`SparseEncoder` is the interface, a sibling of `Encoder`; `SparseTransformerEncoder` serves SPLADE-like models (Formal
et al. 2021, SPLADE v2, arXiv:2109.10086) and BGE-M3's lexical weights (Chen et al. 2024, arXiv:2402.03216).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lapca_bench.digest import digest_file
from lapca_bench.encoders.identity import EncoderIdentity, identity_settings
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.settings import SparseSettings
from lapca_bench.encoders.weights.batching import Rows, run_batches
from lapca_bench.encoders.weights.dense_layer import DenseHead, head_digest, load_dense_head
from lapca_bench.encoders.weights.network import Network, folder_of
from lapca_bench.encoders.weights.tokenizer import Tokens
from lapca_bench.errors import InputError
from lapca_bench.extras import releases
from lapca_bench.parsing import json_value
from lapca_bench.types import Document

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@runtime_checkable
class SparseEncoder(Protocol):
    """One row of term weights per text. Rows come back in input order and do not depend on what else is in the call.

    A document's score is the dot product of its row with the query's.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What makes two rows comparable; its digest keys every cache."""

    @property
    def terms(self) -> int:
        """Columns of the returned arrays: the size of the vocabulary."""

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> csr_array:
        """`(len(texts), terms)` float32; `language` is the ISO 639 code where all texts share one."""

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> csr_array:
        """`(len(documents), terms)` float32."""


class SparseTransformerEncoder:
    """A learned sparse encoder described by `SparseSettings`; weights are loaded when the first text is encoded."""

    def __init__(self, settings: SparseSettings, name: str) -> None:
        self._settings = settings
        longest = max(settings.query_max_length, settings.document_max_length)
        architecture = "masked-lm" if settings.expansion == "masked-lm" else "auto"
        self._network = Network(folder_of(settings), name, longest, settings.dtype, architecture)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of everything read from the checkpoint, and every setting that changes a weight."""
        settings = {"kind": "sparse", **identity_settings(self._settings), **self._network.digests}
        folder = self._network.folder
        if self._settings.head is not None:
            settings["head"] = head_digest(folder / self._settings.head)
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
    def _head(self) -> DenseHead:
        assert self._settings.head is not None  # noqa: S101 (the settings' validator)
        path = self._network.folder / self._settings.head
        head = load_dense_head(path, "identity")
        if head.weight.shape != (1, self._network.width):
            message = f"its weight is of shape {head.weight.shape}, (1, {self._network.width}) is due"
            raise InputError(message, path=path, remedy="name the layer that gives a token its weight")
        return head

    @cached_property
    def _query_weights(self) -> Vectors:
        """The weight of every token of the vocabulary in a query."""
        assert self._settings.query_weights is not None  # noqa: S101 (its callers)
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
    def _dropped(self) -> Any:
        """Terms that never count."""
        if self._settings.special_tokens == "keep":
            return np.empty(0, dtype=np.int64)
        unknown = self._network.tokenizer.unknown
        special = self._network.tokenizer.special.astype(np.int64)
        return special if unknown is None else np.union1d(special, [unknown])

    def shown_query(self, text: str) -> str:
        """The query as the tokenizer reads it."""
        return self._settings.query_prompt + text

    def shown_document(self, document: Document) -> str:
        """The document as the tokenizer reads it."""
        return self._settings.document_prompt + document.content(self._settings.title_separator)

    def tokenise(self, texts: Sequence[str], max_length: int | None = None) -> Tokens:
        """Token ids of texts as they are, without prompts; what `health.check` looks at."""
        return self._network.tokenizer.encode(texts, max_length)

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> csr_array:  # noqa: ARG002
        """`(len(texts), terms)` float32."""
        shown = [self.shown_query(text) for text in texts]
        tokens = self._network.tokenizer.encode(shown, self._settings.query_max_length)
        if self._settings.query_weights is None:
            return self._expanded(tokens)
        terms = [np.setdiff1d(ids, self._dropped).astype(np.int64) for ids in tokens.ids]
        return self._rows([(one, self._query_weights[one]) for one in terms])

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> csr_array:  # noqa: ARG002
        """`(len(documents), terms)` float32."""
        shown = [self.shown_document(document) for document in documents]
        return self._expanded(self._network.tokenizer.encode(shown, self._settings.document_max_length))

    def _expanded(self, tokens: Tokens) -> csr_array:
        forward = self._by_vocabulary if self._settings.expansion == "masked-lm" else self._by_token
        found: list[tuple[Any, Any]] = [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(tokens.ids)
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

    def _by_token(self, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        with torch.inference_mode():
            output, ids, mask = self._network.run(tokens, rows)
            weights = torch.relu(self._head.apply(output.last_hidden_state.float())[:, :, 0]) * mask
            table = torch.zeros(len(ids), self.terms, device=ids.device)
            expanded: Vectors = table.scatter_reduce(1, ids, weights, "amax").cpu().numpy()
        return expanded

    def _rows(self, found: Sequence[tuple[Any, Any]]) -> csr_array:
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], np.cumsum([len(terms) for terms, _ in found])]).astype(np.int64)
        terms = np.concatenate([np.empty(0, np.int64), *(terms for terms, _ in found)])
        weights = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in found)])
        return csr_array((weights, terms, starts), shape=(len(found), self.terms), dtype=np.float32)
