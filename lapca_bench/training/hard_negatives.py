"""Hard negatives mined by the model in training, among blocks of the positive's language (METHOD item 7 b)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.training.batch import Batch
from lapca_bench.training.model.tower_encoder import TowerEncoder


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
