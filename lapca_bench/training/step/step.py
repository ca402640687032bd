"""One training step: a batch becomes the gradient of the sum of the objective's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.training.batch import LEFT_OUT, Batch
from lapca_bench.training.losses.objective import Objective
from lapca_bench.training.losses.reading import ReadingTerm
from lapca_bench.training.losses.term import ChunkTerm, JointBatch, MatrixLoss, MatrixTerm, Term
from lapca_bench.training.model.language_modelling import IGNORED, MaskVocabulary
from lapca_bench.training.model.rows import Hide, Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import seed_at
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.step.gradcache import Embedded, joint_backward
from lapca_bench.training.step.joint_reading import JointReading
from lapca_bench.training.step.passes import Passes
from lapca_bench.training.step.processes import Processes
from lapca_bench.training.step.start_model import StartModel

if TYPE_CHECKING:
    from torch import Tensor, nn


class Step:
    """Turns batches into gradients; `start_model` is the frozen start model, for terms that need it.

    Views become vectors where a term compares them. What can be taken of a text on its way to its vector is taken
    there; the other terms read sequences of their own.
    """

    def __init__(
        self, tower: TrainedTower, recipe: Recipe, processes: Processes, start_model: nn.Module | None = None
    ) -> None:
        terms = recipe.objective.terms
        self._tower, self._recipe, self._processes = tower, recipe, processes
        self._compares_vectors = any(term.compares_vectors for term in terms)
        self._matrix_terms = [term for term in terms if isinstance(term, MatrixTerm)]
        self._chunk_terms = [term for term in terms if isinstance(term, ChunkTerm) and self._on_the_way(term)]
        reading = [term for term in terms if isinstance(term, ReadingTerm) and not self._on_the_way(term)]
        hides = recipe.views.mask > 0 or recipe.objective.needs.language_model
        self._vocabulary: MaskVocabulary | None = tower.mask_vocabulary() if hides else None
        predicts_words = any(term.needs.language_model for term in self._chunk_terms)
        self._passes = Passes(tower, recipe, processes, dense_words=predicts_words)
        self._start = StartModel(start_model, tower, recipe, self._passes)
        self._reading = JointReading(tower, recipe, reading, self._vocabulary)

    def _on_the_way(self, term: Term[Objective]) -> bool:
        """Whether a term's loss is taken of texts on their way to vectors."""
        return self._compares_vectors and isinstance(term, ChunkTerm)

    def backward(self, batch: Batch, step: int) -> float:
        """Accumulate this process's part of the gradient of the joint batch; return the joint loss."""
        compared = self._views_backward(batch, step) if self._compares_vectors else 0.0
        return compared + self._reading_backward(batch, step)

    def _reading_backward(self, batch: Batch, step: int) -> float:
        """The same of the losses over sequences, none of which looks at another: each process reads its own."""
        import torch

        chunks = self._reading.chunks(batch, step)
        if not chunks:
            return 0.0
        own = torch.zeros((), device=self._tower.device)
        for chunk in self._processes.own(chunks):
            loss = chunk.loss(self._passes.hidden(chunk.rows))
            loss.backward()  # type: ignore[no-untyped-call]
            own = own + loss.detach()
        return float(self._processes.add_up(own))

    def _views_backward(self, batch: Batch, step: int) -> float:
        """The same of the losses over the vectors of views, and of those on the way to them."""
        recipe, tower, passes = self._recipe, self._tower, self._passes
        batch, chunks = self._chunks(batch, step)
        vectors = sum(len(chunk.places) for chunk in chunks)
        whole = JointBatch(vectors, sum(int((chunk.labels != IGNORED).sum()) for chunk in chunks))
        # Processes agree on the chunks whatever their numbers of threads; threads share each, so that no more texts of
        # this process are at work at once than a chunk holds.
        own = [part for chunk in self._processes.own(chunks) for part in chunk.split(passes.threads)]
        losses = [loss for term in self._matrix_terms if (loss := term.over(batch, self._start)) is not None]
        return joint_backward(
            own,
            vectors,
            self._embed,
            partial(joint_loss, losses),
            recompute=recipe.optimisation.gradient_cache,
            chunk_loss=partial(self._chunk_loss, whole) if self._chunk_terms else None,
            exchange=self._processes.add_up,
            threads=passes.threads,
            parameters=list(tower.trained_parameters().values()),
        )

    def _chunks(self, batch: Batch, step: int) -> tuple[Batch, list[Rows]]:
        """The texts of the joint batch in chunks; spans that were cut off are left out of the batch's judgements."""
        tower, lengths, seed = self._tower, self._recipe.optimisation, seed_at(self._recipe.seed, step)
        texts = tower.tokenise(batch.queries, "query", lengths.query_length)
        hide = self._hide(len(batch.queries))
        if not batch.spans:
            texts += tower.tokenise([*batch.passages, *batch.negatives], "passage", lengths.passage_length)
            return batch, self._passes.chunks(texts, seed, hide)
        spanned = tower.tokenise_spans(batch.passages, batch.spans, lengths.spanned_length)
        if batch.judged is not None:
            seen = np.concatenate([text.seen for text in spanned])
            batch = replace(batch, judged=np.where(seen, batch.judged, LEFT_OUT).astype(np.int8))
        asked = self._passes.chunks(texts, seed, hide)
        return batch, asked + self._passes.spanned_chunks(spanned, len(texts), seed)

    def _hide(self, queries: int) -> Hide | None:
        """What is hidden in views: tokens of the queries, the first texts of a batch."""
        share = self._recipe.views.mask
        if self._vocabulary is None or not share:
            return None
        return Hide(self._vocabulary, share, np.arange(queries, dtype=np.int64))

    def _embed(self, chunk: Rows) -> Embedded:
        hidden = self._passes.hidden(chunk)
        return Embedded(self._tower.pooled(hidden, chunk), hidden)

    def _chunk_loss(self, whole: JointBatch, chunk: Rows, embedded: Embedded) -> Tensor:
        loss = embedded.vectors.new_zeros(())
        for term in self._chunk_terms:
            part = term.loss(chunk, embedded.vectors, embedded.hidden, whole, self._tower, self._start)
            loss = loss if part is None else loss + part
        return loss


def joint_loss(losses: Sequence[MatrixLoss], matrix: Tensor) -> Tensor:
    """The sum of losses over the joint matrix; 0 where there is none, and the gradient too."""
    return sum((loss(matrix) for loss in losses), start=0 * matrix.sum())
