"""The frozen start model beside the one in training: terms pull vectors to its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lapca_bench.encoders.threads import in_order_by_torch
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import seed_at
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step.passes import Passes

if TYPE_CHECKING:
    from torch import Tensor, nn


class StartModel:
    """Its vectors (texts, d), pooled as the tower pools, not normalised, without gradient.

    `network` is there where a term said that it needs the start model.
    """

    def __init__(self, network: nn.Module | None, tower: TrainedTower, recipe: Recipe, passes: Passes) -> None:
        self._network, self._tower, self._recipe, self._passes = network, tower, recipe, passes

    def of_rows(self, chunk: Rows) -> Tensor:
        """Of a chunk's texts."""
        import torch

        if self._network is None:
            raise ValueError("no term said that it needs the start model")
        ids, mask = (torch.from_numpy(part).to(self._tower.device) for part in (chunk.ids, chunk.mask))
        with torch.no_grad(), self._passes.precision():
            hidden = self._network(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            return self._tower.pooled(hidden, chunk)

    def of_texts(self, queries: Sequence[str], passages: Sequence[str]) -> Tensor:
        """Of these queries, then of these passages; the processes share the work, and each gets all."""
        import torch

        tower, passes, lengths = self._tower, self._passes, self._recipe.optimisation
        texts = tower.tokenise(queries, "query", lengths.query_length)
        texts += tower.tokenise(passages, "passage", lengths.passage_length)
        own = passes.processes.own(passes.chunks(texts, seed_at(self._recipe.seed, 0)))
        vectors = torch.zeros(len(texts), tower.width, device=tower.device)
        for chunk, found in zip(own, in_order_by_torch(self.of_rows, own, passes.threads), strict=True):
            vectors[chunk.places] = found
        return passes.processes.add_up(vectors)
