"""Cross-encoders: a query and a document read together, one score out (Nogueira & Cho 2019, arXiv:1901.04085)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from lapca_bench.encoders.identity import EncoderIdentity, identity_settings
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.encoders.settings import WeightsSettings
from lapca_bench.encoders.weights.batching import Rows, encode_batches
from lapca_bench.encoders.weights.network import Network
from lapca_bench.encoders.weights.tokenizer import Tokens, padded
from lapca_bench.errors import InputError
from lapca_bench.extras import releases
from lapca_bench.types import Document, Query


class CrossEncoderSettings(WeightsSettings):
    """A classifier of (query, document) pairs: with one label its logit is the score, with two their difference."""

    title_separator: str = " "
    max_length: int = Field(default=512, ge=3)


class CrossEncoder:
    """A classifier of pairs described by `CrossEncoderSettings`; weights are loaded when the first pair is scored."""

    def __init__(self, settings: CrossEncoderSettings, name: str) -> None:
        self._settings = settings
        self._network = Network(settings, name, settings.max_length, "sequence-classification")

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Digests of everything read from the checkpoint, and every setting that changes a score."""
        settings = {"kind": "cross-encoder", **identity_settings(self._settings), **self._network.digests}
        return EncoderIdentity(self._network.name, settings, releases("torch", "transformers", "tokenizers"))

    def score(self, query: Query, documents: Sequence[Document]) -> list[float]:
        """One logit per document, higher is better."""
        pairs = [(query.text, document.content(self._settings.title_separator)) for document in documents]
        tokens = self._network.tokenizer.encode_pairs(pairs, self._settings.max_length)
        scores = encode_batches(
            tokens.lengths,
            lambda rows: self._forward(tokens, rows),
            name=self._network.name,
            dimension=1,
            budget=self._network.budget(self._settings),
            threads=self._network.threads,
        )
        return [float(score) for score in scores[:, 0]]

    def _forward(self, tokens: Tokens, rows: Rows) -> Vectors:
        import torch

        further: dict[str, torch.Tensor] = {}
        kinds = self._network.config.get("type_vocab_size", 1)
        if isinstance(kinds, int) and kinds > 1 and tokens.types is not None:
            types, _ = padded(tokens.types, rows, 0)
            further["token_type_ids"] = torch.from_numpy(types).to(self._network.model.device)
        with torch.inference_mode():
            output, _, _ = self._network.run(tokens, rows, None, **further)
            logits: Vectors = output.logits.float().cpu().numpy()
        if logits.shape[1] > 2:
            raise InputError(
                f"the checkpoint tells {logits.shape[1]} classes apart; a score needs one or two",
                path=self._network.folder,
                remedy="name a checkpoint that was trained to rank",
            )
        return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]
