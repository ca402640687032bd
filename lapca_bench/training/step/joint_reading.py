"""Losses over texts that are read in one sequence: translation (TLM) and query (QLM) language modelling, relevance.

Each sequence pays its own loss, so chunks and processes add up without a joint matrix of vectors. Where no loss looks
at vectors, MLM comes this way too, over the texts of both sides (XLM's monolingual stream).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.weights.network import longest_input
from lapca_bench.errors import UsageError
from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.functions import relevance_regression
from lapca_bench.training.model.language_modelling import (
    IGNORED,
    MaskVocabulary,
    PairInput,
    hide_tokens,
    query_before_document,
    translation_pair,
)
from lapca_bench.training.model.tower import Rows, TrainedTower
from lapca_bench.training.random_streams import Reads, Stream, generator, seed_at
from lapca_bench.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """Some sequences and their weighted share of the batch's loss, a function of their token vectors."""

    rows: Rows
    loss: Callable[[Tensor], Tensor]


class JointReading:
    """Turns a batch into sequences; `vocabulary` is needed where words are hidden.

    Raises `UsageError` for a query and a passage that are longer together than the model can read.
    """

    def __init__(self, tower: TrainedTower, recipe: Recipe, vocabulary: MaskVocabulary | None) -> None:
        self._tower, self._recipe, self._vocabulary = tower, recipe, vocabulary
        lengths, limit = recipe.optimisation, longest_input(tower.encoder.config.to_dict())
        together = lengths.query_length + lengths.passage_length
        if recipe.objective.reads_pairs and limit is not None and together > limit:
            raise UsageError(
                f"query and passage together may have {together} tokens, but the start model reads {limit}",
                key="optimisation.passage_length",
                remedy=f"make query_length + passage_length {limit} or less",
            )

    def chunks(self, batch: Batch, step: int) -> list[Reading]:
        """All sequences of the joint batch; every process makes the same."""
        objective = self._recipe.objective
        if not objective.reads_pairs and objective.compares_vectors:
            return []
        lengths = self._recipe.optimisation
        queries = self._ids(batch.queries, lengths.query_length)
        passages = self._ids(batch.passages, lengths.passage_length)
        found: list[Reading] = []
        if objective.mlm and not objective.compares_vectors:
            found += self._words(Reads.ALONE, objective.mlm, self._hidden_alone([*queries, *passages], step), step)
        if objective.tlm:
            found += self._words(Reads.TRANSLATION, objective.tlm, self._translations(queries, passages, step), step)
        if objective.qlm:
            found += self._words(Reads.QUERY, objective.qlm, self._before_documents(queries, passages, step), step)
        if objective.relevance:
            negatives = self._ids(batch.negatives, lengths.passage_length)
            found += self._grades(Reads.GRADED, *self._graded(batch, queries, passages, negatives), step)
        return found

    def _ids(self, texts: Sequence[str], length: int) -> list[Int64]:
        """Without a prompt, which belongs to one side alone."""
        return [ids.astype(np.int64) for ids in self._tower.tokenizer.encode(list(texts), length).ids]

    def _hidden_alone(self, texts: list[Int64], step: int) -> list[PairInput]:
        made = []
        for row, ids in enumerate(texts):
            hidden, labels = hide_tokens(
                ids, self._known, self._recipe.views.mask, self._random(Reads.ALONE, step, row)
            )
            made.append(PairInput(hidden, np.arange(len(ids), dtype=np.int64), labels))
        return made

    def _translations(self, queries: list[Int64], passages: list[Int64], step: int) -> list[PairInput]:
        share = self._recipe.objective.tlm_mask
        return [
            translation_pair(query, passage, self._known, share, self._random(Reads.TRANSLATION, step, row))
            for row, (query, passage) in enumerate(zip(queries, passages, strict=True))
        ]

    def _before_documents(self, queries: list[Int64], passages: list[Int64], step: int) -> list[PairInput]:
        share = self._recipe.objective.qlm_mask
        return [
            query_before_document(query, passage[1:], self._known, share, self._random(Reads.QUERY, step, row))
            for row, (query, passage) in enumerate(zip(queries, passages, strict=True))
        ]

    def _graded(
        self, batch: Batch, queries: list[Int64], passages: list[Int64], negatives: list[Int64]
    ) -> tuple[list[PairInput], npt.NDArray[np.float32]]:
        """Every query before its passage (1), the passage of the next pair (0) and other blocks of its page (0)."""
        count = len(queries)
        shown = [(row, passages[row], 1.0) for row in range(count)]
        following = [(row, (row + 1) % count) for row in range(count)]
        shown += [(row, passages[n], 0.0) for row, n in following if batch.passages[n] != batch.passages[row]]
        shown += [(row, ids, 0.0) for row, ids in zip(batch.owners, negatives, strict=False)]
        made = []
        for row, passage, _ in shown:
            ids = np.concatenate([queries[row], passage[1:]])
            made.append(PairInput(ids, np.arange(len(ids), dtype=np.int64), np.full(len(ids), IGNORED)))
        return made, np.array([grade for _, _, grade in shown], dtype=np.float32)

    def _words(self, kind: Reads, weight: float, made: list[PairInput], step: int) -> Iterator[Reading]:
        total = sum(int((one.labels != IGNORED).sum()) for one in made)
        for rows in self._padded(kind, made, step):
            if (rows.labels != IGNORED).any():
                yield Reading(rows, partial(self._word_loss, rows, total, weight))

    def _grades(
        self, kind: Reads, made: list[PairInput], grades: npt.NDArray[np.float32], step: int
    ) -> Iterator[Reading]:
        for rows in self._padded(kind, made, step):
            yield Reading(rows, partial(self._grade_loss, grades[rows.places], len(made)))

    def _word_loss(self, rows: Rows, total: int, weight: float, hidden: Tensor) -> Tensor:
        return weight * self._tower.masked_loss(hidden, rows, total)

    def _grade_loss(self, due: npt.NDArray[np.float32], total: int, hidden: Tensor) -> Tensor:
        import torch

        share = self._recipe.objective.relevance * len(due) / total
        return share * relevance_regression(self._tower.grades(hidden), torch.from_numpy(due).to(hidden.device))

    def _padded(self, kind: Reads, made: list[PairInput], step: int) -> Iterator[Rows]:
        """Chunks of sequences, shortest first so that little is padded."""
        order = np.argsort([len(one.ids) for one in made], kind="stable").astype(np.int64)
        seed = seed_at(self._recipe.seed, step) * len(Reads) + kind
        count = -(-len(order) // self._recipe.optimisation.chunk)
        for places in np.array_split(order, count):
            width = max(len(made[place].ids) for place in places)
            shape = (len(places), width)
            ids, mask = np.full(shape, self._tower.tokenizer.pad, dtype=np.int64), np.zeros(shape, dtype=np.int64)
            labels, positions = np.full(shape, IGNORED, dtype=np.int64), np.zeros(shape, dtype=np.int64)
            for row, place in enumerate(places):
                one, length = made[place], len(made[place].ids)
                ids[row, :length], mask[row, :length] = one.ids, 1
                labels[row, :length], positions[row, :length] = one.labels, one.positions
            yield Rows(places, ids, mask, labels, seed_at(seed, int(places[0])), positions)

    @property
    def _known(self) -> MaskVocabulary:
        assert self._vocabulary is not None  # noqa: S101 (the step loads it where words are hidden)
        return self._vocabulary

    def _random(self, kind: Reads, step: int, row: int) -> np.random.Generator:
        return generator(self._recipe.seed, Stream.READING, step, kind, row)
