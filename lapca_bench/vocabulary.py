"""The distinct ids of a column in ascending order, and the place of every id among them.

Ids are sorted as numbers where that is possible: eight bytes are one number in the same order, and millions of numbers
are sorted in the time that hashing or comparing strings would take for a tenth of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
_WORDS = 4  # numbers per id, at most: 32 bytes behind what all ids begin with


def sorted_vocabulary(ids: Sequence[str]) -> tuple[npt.NDArray[np.object_], Codes]:
    """Distinct ids in ascending code-point order (equal to UTF-8 byte order), and the code of each input id."""
    import pyarrow as pa

    column = pa.array(ids, type=pa.large_string())
    if not len(column):
        return np.empty(0, dtype=np.object_), np.empty(0, dtype=np.int64)
    words = _words(column)
    if words is None:
        return _by_hashing(column)
    order = np.argsort(words[0]) if len(words) == 1 else np.lexsort(words[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[0] = True
    for word in words:
        ranked = word[order]
        new[1:] |= ranked[1:] != ranked[:-1]
    codes = np.empty(len(order), dtype=np.int64)
    codes[order] = np.cumsum(new) - 1
    return column.take(pa.array(order[new])).to_numpy(zero_copy_only=False), codes


def _words(ids: Any) -> list[npt.NDArray[np.uint64]] | None:
    """Each id (of a pyarrow large-string array) as one to four numbers in its order; None where they do not suffice.

    What all ids begin with ("msmarco_passage_") is left out. A shorter id is filled up with zeros, so an id that holds
    the byte zero does not fit.
    """
    import pyarrow.compute as pc

    bounds = pc.min_max(ids)
    ends = zip(bounds["min"].as_py().encode("utf-8"), bounds["max"].as_py().encode("utf-8"), strict=False)
    common = sum(1 for _ in takewhile(lambda both: both[0] == both[1], ends))
    offsets = np.frombuffer(ids.buffers()[1], dtype=np.int64)[ids.offset : ids.offset + len(ids) + 1]
    lengths = np.diff(offsets) - common
    count = -(-int(lengths.max()) // 8) or 1
    if count > _WORDS:
        return None
    first, last = int(offsets[0]), int(offsets[-1])
    content = np.zeros(last - first + 8 * _WORDS + 8, dtype=np.uint8)
    if last > first:
        content[: last - first] = np.frombuffer(ids.buffers()[2], dtype=np.uint8)[first:last]
    if not content[: last - first].all():
        return None
    # Every place of the content read as the number that its next eight bytes make; what belongs to the next id goes.
    numbers = np.ndarray(len(content) - 7, dtype=">u8", buffer=content.data, strides=(1,))
    starts = offsets[:-1] - first + common
    return [_word(numbers, starts + 8 * place, lengths - 8 * place) for place in range(count)]


def _word(numbers: npt.NDArray[Any], starts: Codes, lengths: Codes) -> npt.NDArray[np.uint64]:
    foreign = (8 * np.clip(8 - lengths, 0, 8)).astype(np.uint64)
    beyond = foreign == 64  # shifting by 64 has no meaning
    foreign[beyond] = 0
    word = numbers[np.minimum(starts, len(numbers) - 1)].astype(np.uint64)
    if foreign.any():
        word = word >> foreign << foreign
    word[beyond] = 0
    return word


def _by_hashing(ids: Any) -> tuple[npt.NDArray[np.object_], Codes]:
    """The same for ids of any length, by finding the distinct ones before they are sorted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = ids.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy(zero_copy_only=False)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return encoded.dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False), place[encoded.indices.to_numpy()]
