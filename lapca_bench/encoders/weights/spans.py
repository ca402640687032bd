"""Parts of a text that are read in it: which of its tokens make up the vector of each.

A paragraph is encoded once, and each of its sentences gets the mean of its own tokens and of those that belong to no
sentence: the prompt and the tokens that open and close the text. So the span of a whole text has the text's own vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Span = tuple[int, int]  # characters of a text, the end excluded


@dataclass(frozen=True)
class SpannedText:
    """Token ids of a text, the tokens of each span (spans, tokens), and which spans have a token of their own.

    A span that begins behind the tokens that are read has none.
    """

    ids: Int64
    tokens: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, ids: Int64, places: Int64, spans: Sequence[Span], opening: int) -> SpannedText:
        """From the characters (tokens, 2) that each token stands for, those before `opening` being the prompt's.

        A token of no character (such as those that open and close a text) belongs to every span, as the prompt does.
        """
        first, last = places[:, 0], places[:, 1]
        shared = (last <= first) | (last <= opening)
        own = np.array([(first < end) & (last > start) & ~shared for start, end in spans], dtype=np.bool_)
        own = own.reshape(len(spans), len(ids))
        seen: npt.NDArray[np.bool_] = np.logical_or.reduce(own, axis=1)
        return cls(ids, own | shared, seen)


def pooled_tokens(texts: Sequence[SpannedText], width: int) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Of all spans of padded texts, one text's after another's: the text of each, and its tokens among `width`."""
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text.tokens) for text in texts])
    tokens = np.zeros((len(rows), width), dtype=np.bool_)
    filled = 0
    for text in texts:
        tokens[filled : filled + len(text.tokens), : len(text.ids)] = text.tokens
        filled += len(text.tokens)
    return rows, tokens
