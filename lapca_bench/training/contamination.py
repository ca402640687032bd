"""Training text that says what an evaluation collection says: paragraphs too near to one of its paragraphs.

A paragraph is dropped where its cosine with any paragraph of the evaluation text, by a model that saw neither, is above
a percentile of all cosines between the two. Both are compared in one language, where the evaluation text has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.types import Document

PERCENTILE = 99.9


@dataclass(frozen=True)
class Nearness:
    """How near each training text is to the evaluation texts: its highest cosine, and the percentile of all."""

    highest: npt.NDArray[np.float32]
    limit: float

    @property
    def dropped(self) -> npt.NDArray[np.bool_]:
        """Which texts are above the limit."""
        return self.highest > self.limit


def nearness(texts: Vectors, evaluation: Vectors, percentile: float = PERCENTILE) -> Nearness:
    """Of texts (n, d) to evaluation texts (m, d), both normalised. Without texts on either side nothing is near."""
    if not len(texts) or not len(evaluation):
        return Nearness(np.full(len(texts), -1, dtype=np.float32), 1.0)
    cosines = texts @ evaluation.T
    return Nearness(cosines.max(axis=1), float(np.percentile(cosines, percentile)))


def encoded(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Vectors of texts as documents."""
    return encoder.encode_documents([Document(str(number), text) for number, text in enumerate(texts)])
