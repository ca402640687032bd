"""The texts of a joint batch on their way through the model: cut in chunks, shared among processes and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.encoders.weights.spans import SpannedText, pooled_tokens
from lapca_bench.training.model.language_modelling import Int64
from lapca_bench.training.model.rows import Hide, Pools, Rows, pad_rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step.processes import Processes

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Passes:
    """Chunks and passes as a recipe says. `dense_words`: a pass gives all word embeddings a gradient, not a text's."""

    def __init__(self, tower: TrainedTower, recipe: Recipe, processes: Processes, *, dense_words: bool) -> None:
        self._tower, self._recipe, self.processes = tower, recipe, processes
        self._dense_words = dense_words

    @property
    def threads(self) -> int:
        """How many chunks are at work at once: one per thread of torch, where a chunk disturbs no other.

        Dropout draws from one generator for all threads, and a dense gradient of the word embeddings is as large as the
        vocabulary.
        """
        import torch

        tower, recipe = self._tower, self._recipe
        words = tower.encoder.get_input_embeddings().weight
        alone = tower.device != "cpu" or recipe.trained.dropout or not recipe.optimisation.gradient_cache
        return 1 if alone or (self._dense_words and words.requires_grad) else torch.get_num_threads()

    def chunks(self, texts: Sequence[Int64], seed: int, hide: Hide | None = None) -> list[Rows]:
        """All texts of the joint batch, shortest first so that little is padded; every process makes the same."""
        order = np.argsort([len(text) for text in texts], kind="stable").astype(np.int64)
        count = max(-(-len(order) // self._recipe.optimisation.chunk), self.processes.count)
        pad = self._tower.tokenizer.pad
        return [pad_rows(texts, places, pad, seed=seed, hide=hide) for places in np.array_split(order, count)]

    def spanned_chunks(self, texts: Sequence[SpannedText], first: int, seed: int) -> list[Rows]:
        """The same of texts whose spans have vectors, in rows of the joint matrix from `first` on."""
        sizes = [len(text.tokens) for text in texts]
        starts = first + np.cumsum([0, *sizes[:-1]])
        return [
            replace(chunk, places=places, pools=pools)
            for chunk in self.chunks([text.ids for text in texts], seed)
            for places, pools in [_pooled([texts[n] for n in chunk.places], starts[chunk.places], chunk.ids.shape[1])]
        ]

    def hidden(self, rows: Rows) -> Tensor:
        """Token vectors (texts, tokens, d) of a chunk."""
        with self.precision():
            return self._tower.hidden_states(rows)

    def precision(self) -> torch.autocast:
        """The recipe's precision, for a forward pass."""
        import torch

        half = self._recipe.optimisation.precision == "bf16"
        return torch.autocast(self._tower.device, dtype=torch.bfloat16, enabled=half)


def _pooled(texts: Sequence[SpannedText], starts: Int64, width: int) -> tuple[Int64, Pools]:
    """The rows of the joint matrix that the spans of a chunk's texts have, and their tokens among `width`."""
    places = np.concatenate([start + np.arange(len(text.tokens)) for start, text in zip(starts, texts, strict=True)])
    return places.astype(np.int64), Pools(*pooled_tokens(texts, width))
