"""The model in training as an `Encoder`, so that every search and measure of the harness works on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.protocol import Similarity, Vectors
from lapca_bench.encoders.weights.batching import default_budget, encode_batches
from lapca_bench.training.model.rows import pad_rows
from lapca_bench.training.model.tower import TextSide, TrainedTower
from lapca_bench.types import Document


class TowerEncoder:
    """Encodes with the tower's weights of this moment; `name` should carry the step, for its vectors change with it."""

    def __init__(self, tower: TrainedTower, name: str, *, query_length: int, passage_length: int) -> None:
        self._tower, self._name = tower, name
        self._lengths = {"query": query_length, "passage": passage_length}

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Unique to this moment of this training; vectors of it must not outlive it."""
        return EncoderIdentity(self._name, {"training": self._name})

    @property
    def dimension(self) -> int:
        """Width of the pooled vectors."""
        return self._tower.width

    @property
    def similarity(self) -> Similarity:
        """As the recipe's encoder table says."""
        return self._tower.settings.similarity

    def encode(self, texts: Sequence[str], side: TextSide) -> Vectors:
        """`(len(texts), dimension)` float32, normalised where the encoder table says so; dropout is off."""
        import torch
        from torch.nn.functional import normalize

        tower = self._tower
        ids = tower.tokenise(texts, side, self._lengths[side])
        dropout = tower.encoder.training
        tower.set_training(dropout=False)

        def forward(rows: np.ndarray) -> Vectors:
            with torch.no_grad():
                chunk = pad_rows(ids, rows, tower.tokenizer.pad, seed=0)
                vectors = tower.pooled(tower.hidden_states(chunk), chunk)
                if tower.settings.normalise:
                    vectors = normalize(vectors, dim=-1)
            found: Vectors = vectors.cpu().numpy()
            return found

        try:
            lengths = [len(one) for one in ids]
            budget = tower.settings.batch_tokens or default_budget(tower.device)
            return encode_batches(lengths, forward, name=self._name, dimension=self.dimension, budget=budget)
        finally:
            tower.set_training(dropout=dropout)

    def encode_queries(self, texts: Sequence[str], *, language: str | None = None) -> Vectors:  # noqa: ARG002
        """`(len(texts), dimension)` float32."""
        return self.encode(texts, "query")

    def encode_documents(self, documents: Sequence[Document], *, language: str | None = None) -> Vectors:  # noqa: ARG002
        """`(len(documents), dimension)` float32."""
        separator = self._tower.settings.title_separator
        return self.encode([document.content(separator) for document in documents], "passage")
