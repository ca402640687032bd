"""Hard negatives mined by the model in training, among blocks of the positive's language (METHOD item 7 b)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.toml_model import Strict
from lapca_bench.training.batch import Batch, BatchSource
from lapca_bench.training.model.tower_encoder import TowerEncoder


class HardNegativeSettings(Strict):
    """`same_page` and `mined` are hard negatives per pair, `refresh` the steps after which mined ones are sought again.

    Candidates above `ceiling` times the positive's score count as false negatives.
    """

    same_page: int = Field(default=1, ge=0)
    mined: int = Field(default=0, ge=0)
    refresh: int = Field(default=1000, ge=1)
    ceiling: float = Field(default=0.95, gt=0)


def below_ceiling(scores: np.ndarray, positive: float, ceiling: float, count: int) -> list[int]:
    """Places of the `count` best scores that stay below `ceiling` · `positive`, best first.

    What scores nearly as high as the positive is likely to be an unlabelled positive (a false negative) and is left
    out. Source: NV-Retriever (Moreira et al. 2024), "top-k with percentage to the positive".
    """
    order = np.argsort(-scores, kind="stable")
    return [int(place) for place in order[scores[order] < ceiling * positive][:count]]


class NegativePool:
    """Passages by language with their vectors as of the last refresh."""

    def __init__(self, texts: Mapping[str, Sequence[str]], vectors: Mapping[str, Vectors]) -> None:
        self.texts = texts
        self.vectors = vectors

    @classmethod
    def encoded(cls, texts: Mapping[str, Sequence[str]], encoder: TowerEncoder) -> NegativePool:
        """The pool encoded with the weights of this moment."""
        return cls(texts, {language: encoder.encode(part, "passage") for language, part in texts.items()})

    def add_to(self, batch: Batch, encoder: TowerEncoder, count: int, ceiling: float) -> Batch:
        """The batch with up to `count` mined negatives per pair, none equal to a passage of the batch."""
        queries = encoder.encode(batch.queries, "query")
        positives = encoder.encode(batch.passages, "passage")
        own = set(batch.passages)
        mined: dict[str, None] = {}
        for query, positive, language in zip(queries, positives, batch.languages, strict=True):
            if language in self.texts:
                scores = self.vectors[language] @ query
                best = below_ceiling(scores, float(positive @ query), ceiling, count + len(own))
                fresh = [text for place in best if (text := self.texts[language][place]) not in own]
                mined |= dict.fromkeys(fresh[:count])
        return replace(batch, negatives=(*batch.negatives, *mined))


class MinedNegatives:
    """Adds hard negatives to batches, from a pool of passages of `source` that is encoded anew every `refresh` steps.

    A resumed run encodes the pool with the weights that it resumed.
    """

    def __init__(self, settings: HardNegativeSettings, source: BatchSource) -> None:
        self._settings, self._source = settings, source
        self._pool: NegativePool | None = None

    def added(self, batch: Batch, encoder: TowerEncoder, step: int) -> Batch:
        """The batch of a step with its mined negatives, by the weights of the moment; as it is where none are mined."""
        settings = self._settings
        if not settings.mined:
            return batch
        if self._pool is None or step % settings.refresh == 0:
            self._pool = NegativePool.encoded(self._source.pool(step - step % settings.refresh), encoder)
        return self._pool.add_to(batch, encoder, settings.mined, settings.ceiling)
