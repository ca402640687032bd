"""Held-out accuracy: how often the nearest passage, in one pool of all languages, is a right one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lapca_bench.encoders.protocol import Vectors

Labels = npt.NDArray[np.int64] | npt.NDArray[np.object_]  # numbers, or texts


def held_out_accuracy(queries: Vectors, passages: Vectors, wanted: Labels, given: Labels) -> float:
    """Share of `queries` (n, d) whose nearest of `passages` (m, d), by dot product, has the label that is wanted.

    `wanted` (n,) are the queries' labels, `given` (m,) the passages'. Passages in the query's own language, none of
    which is right, are among them: a vector that says first of all in which language its text is written does badly
    (the insight of LAReQA). NaN without a query.
    """
    if not len(queries):
        return math.nan
    nearest = (queries @ passages.T).argmax(axis=1)
    return float((given[nearest] == wanted).mean())
