"""One training step: a batch of texts becomes the gradient of L = a·L_align + λ·L_MLM + b·L_brake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lapca_bench.training.batches import Batch
from lapca_bench.training.gradcache import Embedded, joint_backward
from lapca_bench.training.language_modelling import IGNORED, MaskVocabulary
from lapca_bench.training.objectives import info_nce, question_passage_nll, vector_distillation
from lapca_bench.training.recipe import ObjectiveSettings, Recipe
from lapca_bench.training.tower import Rows, TrainedTower, pad_rows

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among those that train together, and the sum of a tensor over all of them."""

    rank: int = 0
    count: int = 1
    add_up: Callable[[Tensor], Tensor] = lambda tensor: tensor


class Step:
    """Turns batches into gradients. `teacher` is the frozen start model, needed where the recipe brakes."""

    def __init__(self, tower: TrainedTower, recipe: Recipe, processes: Processes, teacher: Any = None) -> None:
        self._tower, self._recipe, self._processes, self._teacher = tower, recipe, processes, teacher
        hides = recipe.views.mask > 0
        self._vocabulary: MaskVocabulary | None = tower.mask_vocabulary() if hides else None

    def backward(self, batch: Batch, step: int) -> float:
        """Accumulate this process's part of the gradient of the joint batch; return the joint loss."""
        recipe, tower = self._recipe, self._tower
        optimisation = recipe.optimisation
        texts = tower.tokenise(batch.queries, "query", optimisation.query_length)
        texts += tower.tokenise([*batch.passages, *batch.negatives], "passage", optimisation.passage_length)
        chunks = self._chunks(texts, len(batch.queries), step)
        hidden_tokens = sum(int((chunk.labels != IGNORED).sum()) for chunk in chunks)
        mine = chunks[self._processes.rank :: self._processes.count]
        pairs = len(batch.queries)

        def own_loss(chunk: Rows, embedded: Embedded) -> Tensor:
            return self._own_loss(chunk, embedded, hidden_tokens, len(texts))

        return joint_backward(
            mine,
            len(texts),
            self._embed,
            lambda matrix: recipe.objective.alignment * alignment(matrix, pairs, recipe.objective),
            recompute=optimisation.gradient_cache,
            chunk_loss=own_loss if recipe.objective.mlm or recipe.objective.brake else None,
            exchange=self._processes.add_up,
        )

    def _chunks(self, texts: list[Any], queries: int, step: int) -> list[Rows]:
        """All texts of the joint batch, shortest first so that little is padded; every process makes the same."""
        order = np.argsort([len(text) for text in texts], kind="stable").astype(np.int64)
        size = self._recipe.optimisation.chunk
        count = max(-(-len(order) // size), self._processes.count)
        seed = self._recipe.seed * 1_000_003 + step
        hide = None
        if self._vocabulary is not None:
            hide = (self._vocabulary, self._recipe.views.mask, np.arange(queries, dtype=np.int64))
        pad = self._tower.tokenizer.pad
        return [pad_rows(texts, places, pad, seed=seed, hide=hide) for places in np.array_split(order, count)]

    def _embed(self, chunk: Rows) -> Embedded:
        import torch

        device = self._tower.device
        with torch.autocast(device, dtype=torch.bfloat16, enabled=self._recipe.optimisation.precision == "bf16"):
            hidden = self._tower.hidden_states(chunk)
        return Embedded(self._tower.pooled(hidden, chunk), hidden)

    def _own_loss(self, chunk: Rows, embedded: Embedded, hidden_tokens: int, texts: int) -> Tensor:
        import torch

        objective = self._recipe.objective
        loss = embedded.vectors.new_zeros(())
        if objective.mlm and (chunk.labels != IGNORED).any():
            loss = loss + objective.mlm * self._tower.masked_loss(embedded.carried, chunk, hidden_tokens)
        if objective.brake:
            with torch.no_grad():
                ids, mask = (torch.from_numpy(part).to(self._tower.device) for part in (chunk.ids, chunk.mask))
                taught = self._tower.pooled(self._teacher(input_ids=ids, attention_mask=mask).last_hidden_state, chunk)
            share = len(chunk.places) / texts
            loss = loss + objective.brake * share * vector_distillation(embedded.vectors, taught)
        return loss


def alignment(matrix: Tensor, pairs: int, objective: ObjectiveSettings) -> Tensor:
    """The contrastive loss over the joint matrix: rows are queries, then passages, then hard negatives."""
    from torch.nn.functional import normalize

    queries, passages, negatives = matrix[:pairs], matrix[pairs : 2 * pairs], matrix[2 * pairs :]
    harder = negatives if len(negatives) else None
    if objective.direction == "both":
        return info_nce(queries, passages, temperature=objective.temperature, negatives=harder)
    if objective.similarity == "cosine":
        queries, passages = normalize(queries, dim=-1), normalize(passages, dim=-1)
        harder = None if harder is None else normalize(harder, dim=-1)
    return question_passage_nll(queries, passages, temperature=objective.temperature, negatives=harder)
