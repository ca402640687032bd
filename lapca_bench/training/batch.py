"""What a training step is given: texts of both sides. A source makes each batch from the step's number alone.

Because no batch depends on the one before it, a run that is killed and resumed sees the same batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.weights.spans import Span

Judged = npt.NDArray[np.int8]

ANSWER, NEGATIVE, LEFT_OUT = 1, 0, -1


@dataclass(frozen=True)
class Batch:
    """`queries[i]` belongs to `passages[i]`; `negatives` are hard negatives, seen by every query.

    `names` identify the pairs for error messages; `languages` are those of the passages, for mining hard negatives.
    `owners` are the rows of the pairs that the first `negatives` were drawn for, where the source knows them.
    `query_pivots` and `passage_pivots` hold each view's text in the pivot language, "" where there is none; empty when
    the recipe has no pivot. `teacher_scores` are those of the system that is distilled, (queries, passages and
    negatives).

    Where `judged` is there, queries and candidates are no pairs: it says of each of them, (queries, candidates), what
    the one is to the other, `ANSWER`, `NEGATIVE` or `LEFT_OUT`. Candidates are the passages, or, where `spans` are
    there, the spans of every passage in turn, and `passage_pivots` are theirs.
    """

    names: tuple[str, ...]
    queries: tuple[str, ...]
    passages: tuple[str, ...]
    languages: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    owners: tuple[int, ...] = ()
    query_pivots: tuple[str, ...] = ()
    passage_pivots: tuple[str, ...] = ()
    teacher_scores: npt.NDArray[np.float32] | None = None
    judged: Judged | None = None
    spans: tuple[tuple[Span, ...], ...] = ()


@dataclass(frozen=True)
class HeldOut:
    """Pairs kept for looking at: in one pool of all `passages`, the answer of query i is passage i or an equal text."""

    queries: tuple[str, ...]
    passages: tuple[str, ...]


class BatchSource(Protocol):
    """Where batches come from."""

    def batch(self, step: int) -> Batch:
        """The batch of this step, the same at every call."""

    def held_out(self) -> HeldOut:
        """Pairs that are in no batch."""

    def pool(self, step: int) -> Mapping[str, Sequence[str]]:
        """Passages by language among which hard negatives are mined from this step on."""
