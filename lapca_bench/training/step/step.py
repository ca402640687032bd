"""One training step: a batch becomes the gradient of L = a·L_align + λ·L_MLM + b·L_brake + L_pivot.

Losses of pairs that are read in one sequence (`joint_reading`) are added to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.threads import in_order_by_torch
from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.functions import (
    info_nce,
    question_passage_nll,
    score_distillation,
    vector_distillation,
)
from lapca_bench.training.model.language_modelling import IGNORED, MaskVocabulary
from lapca_bench.training.model.tower import Rows, Side, TrainedTower, pad_rows
from lapca_bench.training.random_streams import seed_at
from lapca_bench.training.recipe import ObjectiveSettings, Recipe
from lapca_bench.training.step.gradcache import Embedded, joint_backward
from lapca_bench.training.step.joint_reading import JointReading

if TYPE_CHECKING:
    from torch import Tensor

Chunk = TypeVar("Chunk")


@dataclass(frozen=True)
class Processes:
    """This process among those that train together, and the sum of a tensor over all of them."""

    rank: int = 0
    count: int = 1
    add_up: Callable[[Tensor], Tensor] = lambda tensor: tensor


@dataclass(frozen=True)
class Pivots:
    """The start model's vectors (n, d) of the views with a text in the pivot language, rows `places` of a batch."""

    places: Tensor
    vectors: Tensor


class Step:
    """Turns batches into gradients. `teacher` is the frozen start model, needed for brake and pivot."""

    def __init__(self, tower: TrainedTower, recipe: Recipe, processes: Processes, teacher: Any = None) -> None:
        self._tower, self._recipe, self._processes, self._teacher = tower, recipe, processes, teacher
        hides = recipe.views.mask > 0 or recipe.objective.predicts_words
        self._vocabulary: MaskVocabulary | None = tower.mask_vocabulary() if hides else None
        self._reading = JointReading(tower, recipe, self._vocabulary)

    def backward(self, batch: Batch, step: int) -> float:
        """Accumulate this process's part of the gradient of the joint batch; return the joint loss."""
        compared = self._views_backward(batch, step) if self._recipe.objective.compares_vectors else 0.0
        return compared + self._reading_backward(batch, step)

    def _reading_backward(self, batch: Batch, step: int) -> float:
        """The same of the losses over sequences, none of which looks at another: each process reads its own."""
        import torch

        chunks = self._reading.chunks(batch, step)
        if not chunks:
            return 0.0
        own = torch.zeros((), device=self._tower.device)
        for chunk in self._own(chunks):
            loss = chunk.loss(self._hidden(chunk.rows))
            loss.backward()  # type: ignore[no-untyped-call]
            own = own + loss.detach()
        return float(self._processes.add_up(own))

    def _views_backward(self, batch: Batch, step: int) -> float:
        """The same of the losses over the vectors of views, and of words hidden in them."""
        recipe, tower = self._recipe, self._tower
        optimisation = recipe.optimisation
        texts = tower.tokenise(batch.queries, "query", optimisation.query_length)
        texts += tower.tokenise([*batch.passages, *batch.negatives], "passage", optimisation.passage_length)
        chunks = self._chunks(texts, len(batch.queries), step)
        hidden_tokens = sum(int((chunk.labels != IGNORED).sum()) for chunk in chunks)
        # Processes agree on the chunks whatever their numbers of threads; threads share each, so that no more texts of
        # this process are at work at once than a chunk holds.
        mine = [part for chunk in self._own(chunks) for part in chunk.split(self._threads)]
        pivots = self._pivots(batch) if recipe.objective.has_pivot else None

        def own_loss(chunk: Rows, embedded: Embedded) -> Tensor:
            return self._own_loss(chunk, embedded, hidden_tokens, len(texts))

        return joint_backward(
            mine,
            len(texts),
            self._embed,
            lambda matrix: joint_loss(matrix, batch, recipe.objective, pivots),
            recompute=optimisation.gradient_cache,
            chunk_loss=own_loss if recipe.objective.mlm or recipe.objective.brake else None,
            exchange=self._processes.add_up,
            threads=self._threads,
            parameters=list(tower.trained_parameters().values()),
        )

    @property
    def _threads(self) -> int:
        """How many chunks are at work at once: one per thread of torch, where a chunk disturbs no other.

        Dropout draws from one generator for all threads, and the masked-token head's gradient of the word embeddings is
        as large as the vocabulary.
        """
        import torch

        tower, recipe = self._tower, self._recipe
        words = tower.encoder.get_input_embeddings().weight
        alone = tower.device != "cpu" or recipe.trained.dropout or not recipe.optimisation.gradient_cache
        return 1 if alone or (recipe.objective.mlm and words.requires_grad) else torch.get_num_threads()

    def _own(self, chunks: list[Chunk]) -> list[Chunk]:
        """This process's share of the joint batch's chunks."""
        return chunks[self._processes.rank :: self._processes.count]

    def _chunks(self, texts: list[Any], queries: int, step: int) -> list[Rows]:
        """All texts of the joint batch, shortest first so that little is padded; every process makes the same."""
        order = np.argsort([len(text) for text in texts], kind="stable").astype(np.int64)
        size = self._recipe.optimisation.chunk
        count = max(-(-len(order) // size), self._processes.count)
        seed = seed_at(self._recipe.seed, step)
        hide = None
        if self._vocabulary is not None and self._recipe.views.mask:
            hide = (self._vocabulary, self._recipe.views.mask, np.arange(queries, dtype=np.int64))
        pad = self._tower.tokenizer.pad
        return [pad_rows(texts, places, pad, seed=seed, hide=hide) for places in np.array_split(order, count)]

    def _embed(self, chunk: Rows) -> Embedded:
        hidden = self._hidden(chunk)
        return Embedded(self._tower.pooled(hidden, chunk), hidden)

    def _hidden(self, chunk: Rows) -> Tensor:
        import torch

        device = self._tower.device
        with torch.autocast(device, dtype=torch.bfloat16, enabled=self._recipe.optimisation.precision == "bf16"):
            return self._tower.hidden_states(chunk)

    def _own_loss(self, chunk: Rows, embedded: Embedded, hidden_tokens: int, texts: int) -> Tensor:

        objective = self._recipe.objective
        loss = embedded.vectors.new_zeros(())
        if objective.mlm and (chunk.labels != IGNORED).any():
            loss = loss + objective.mlm * self._tower.masked_loss(embedded.carried, chunk, hidden_tokens)
        if objective.brake:
            share = len(chunk.places) / texts
            loss = loss + objective.brake * share * vector_distillation(embedded.vectors, self._taught(chunk))
        return loss

    def _pivots(self, batch: Batch) -> Pivots | None:
        """The start model's vectors of the views' texts in the pivot language; the processes share the work."""
        import torch

        lengths = self._recipe.optimisation
        texts, places = list[npt.NDArray[np.int64]](), list[int]()
        sides: tuple[tuple[Side, tuple[str, ...], int], ...] = (
            ("query", batch.query_pivots, lengths.query_length),
            ("passage", batch.passage_pivots, lengths.passage_length),
        )
        for number, (side, pivots, length) in enumerate(sides):
            found = [place for place, text in enumerate(pivots) if text]
            texts += self._tower.tokenise([pivots[place] for place in found], side, length)
            places += [number * len(pivots) + place for place in found]
        if not texts:
            return None
        chunks = self._chunks(texts, 0, 0)
        vectors = torch.zeros(len(texts), self._tower.encoder.config.hidden_size, device=self._tower.device)
        mine = self._own(chunks)
        for chunk, taught in zip(mine, in_order_by_torch(self._taught, mine, self._threads), strict=True):
            vectors[chunk.places] = taught
        return Pivots(torch.tensor(places, device=vectors.device), self._processes.add_up(vectors))

    def _taught(self, rows: Rows) -> Tensor:
        """The start model's vectors of these rows, without gradient."""
        import torch

        device = self._tower.device
        ids, mask = (torch.from_numpy(part).to(device) for part in (rows.ids, rows.mask))
        precision = torch.autocast(device, dtype=torch.bfloat16, enabled=self._recipe.optimisation.precision == "bf16")
        with torch.no_grad(), precision:
            return self._tower.pooled(self._teacher(input_ids=ids, attention_mask=mask).last_hidden_state.float(), rows)


def joint_loss(matrix: Tensor, batch: Batch, objective: ObjectiveSettings, pivots: Pivots | None = None) -> Tensor:
    """alignment·L_align + L_pivot where there are pivots + distillation·L_distil where the batch holds scores."""
    import torch
    from torch.nn.functional import normalize

    pairs = len(batch.queries)
    loss = objective.alignment * alignment(matrix, pairs, objective)
    if pivots is not None:
        loss = loss + towards_pivots(matrix, pairs, pivots, objective)
    if batch.teacher is not None:
        vectors = normalize(matrix, dim=-1) if objective.similarity == "cosine" else matrix
        scores, taught = vectors[:pairs] @ vectors[pairs:].T, torch.from_numpy(batch.teacher).to(matrix.device)
        divergence = score_distillation(scores, taught, temperature=objective.distillation_temperature)
        loss = loss + objective.distillation * divergence
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


def towards_pivots(matrix: Tensor, pairs: int, pivots: Pivots, objective: ObjectiveSettings) -> Tensor:
    """Pivot · mean(1 − cos(view, its pivot)) + ranking · KL(scores between pivots || scores between views).

    The first keeps vectors where the start model puts their text in the pivot language, the second keeps which passages
    it ranks near which query, over the pairs of the batch whose both views have a pivot.
    """
    from torch.nn.functional import normalize

    loss = objective.pivot * vector_distillation(matrix[pivots.places], pivots.vectors)
    if not objective.ranking:
        return loss
    rows = {int(place): row for row, place in enumerate(pivots.places)}
    whole = [place for place in range(pairs) if place in rows and pairs + place in rows]
    if len(whole) < 2:
        return loss
    views, taught = normalize(matrix, dim=-1), normalize(pivots.vectors, dim=-1)
    seen = views[whole] @ views[[pairs + place for place in whole]].T
    wanted = taught[[rows[place] for place in whole]] @ taught[[rows[pairs + place] for place in whole]].T
    return loss + objective.ranking * score_distillation(
        seen / objective.ranking_temperature, wanted / objective.ranking_temperature
    )
