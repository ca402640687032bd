"""The sequences of terms that read a batch's texts together, in padded chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.encoders.weights.network import longest_input
from lapca_bench.encoders.weights.tokenizer import filled_up, padded
from lapca_bench.errors import UsageError
from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.objective import Objective
from lapca_bench.training.losses.reading import BatchTokens, ReadingTerm
from lapca_bench.training.model.language_modelling import IGNORED, MaskVocabulary, PairInput
from lapca_bench.training.model.rows import Rows
from lapca_bench.training.model.tower import TrainedTower
from lapca_bench.training.random_streams import Reads, Stream, generator, seed_at
from lapca_bench.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """Some sequences and their weighted share of the batch's loss, a function of their token vectors."""

    rows: Rows
    loss: Callable[[Tensor], Tensor]


class JointReading:
    """Turns a batch into the sequences of `terms`; `vocabulary` is needed where words are hidden.

    Raises `UsageError` for a query and a passage that are longer together than the model can read.
    """

    def __init__(
        self,
        tower: TrainedTower,
        recipe: Recipe,
        terms: Sequence[ReadingTerm[Objective]],
        vocabulary: MaskVocabulary | None,
    ) -> None:
        self._tower, self._recipe, self._terms, self._vocabulary = tower, recipe, terms, vocabulary
        lengths, limit = recipe.optimisation, longest_input(tower.encoder.config.to_dict())
        together = lengths.query_length + lengths.passage_length
        if any(term.reads != Reads.ALONE for term in terms) and limit is not None and together > limit:
            raise UsageError(
                f"query and passage together may have {together} tokens, but the start model reads {limit}",
                key="optimisation.passage_length",
                remedy=f"make query_length + passage_length {limit} or less",
            )

    def chunks(self, batch: Batch, step: int) -> list[Reading]:
        """All sequences of the joint batch; every process makes the same."""
        recipe, lengths = self._recipe, self._recipe.optimisation
        tokens = BatchTokens(
            batch,
            self._tower.tokenizer,
            query_length=lengths.query_length,
            passage_length=lengths.passage_length,
            mask=recipe.views.mask,
            vocabulary=self._vocabulary,
        )
        found: list[Reading] = []
        for term in self._terms:
            made = term.sequences(tokens, partial(generator, recipe.seed, Stream.READING, step, term.reads))
            loss = term.loss_over(made, self._tower)
            chunks = [rows for rows in self._padded(term.reads, made, step) if term.pays(rows)]
            found += [Reading(rows, partial(loss, rows)) for rows in chunks]
        return found

    def _padded(self, reads: Reads, made: Sequence[PairInput], step: int) -> Iterator[Rows]:
        """Chunks of sequences, shortest first so that little is padded."""
        order = np.argsort([len(one.ids) for one in made], kind="stable").astype(np.int64)
        seed = seed_at(self._recipe.seed, step) * len(Reads) + reads
        count = -(-len(order) // self._recipe.optimisation.chunk)
        for places in np.array_split(order, count):
            chosen = [made[place] for place in places]
            ids, mask = padded([one.ids for one in made], places, self._tower.tokenizer.pad)
            labels = filled_up([one.labels for one in chosen], IGNORED)
            positions = filled_up([one.positions for one in chosen], 0)
            yield Rows(places, ids, mask, labels, seed_at(seed, int(places[0])), positions)
