"""The random numbers of a training: every stream is a function of the recipe's seed, its number here, and a place.

Numbers that stand here once never change, nor does a new stream take one that was used: the same seed draws the same
batches, views and hidden words in every release.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_APART = 1_000_003  # a prime above any place that is counted, so that two seeds do not run into each other


class Stream(IntEnum):
    """What random numbers are drawn for."""

    HELD_OUT = 0  # which pages or questions are kept for looking at
    BATCH = 1  # which pairs a step sees, or the order of questions in an epoch
    VIEWS = 2  # how a step sees a pair, or which negatives it sees of a question
    HELD_OUT_PAIRS = 3  # which pairs of a held-out page are looked at
    POOL = 4  # among which passages hard negatives are mined
    READING = 5  # which words are hidden in sequences (`Reads`)
    PARAGRAPHS = 6  # which paragraphs a step sees, what of them is shown and asked


class Reads(IntEnum):
    """What a sequence is read for."""

    ALONE = 0  # words hidden in one text
    TRANSLATION = 1  # words hidden in both texts of a pair
    QUERY = 2  # words hidden in the query before its passage
    GRADED = 3  # the grade of a query and a passage


def generator(seed: int, stream: Stream, *place: int) -> np.random.Generator:
    """The random numbers of one place (a step, a pair) in a stream, independent of all others."""
    return np.random.default_rng((seed, stream, *place))


def seed_at(seed: int, place: int) -> int:
    """The seed of a place (a step, a row of the batch) for generators that take a single number, as torch's does."""
    return seed * _APART + place
