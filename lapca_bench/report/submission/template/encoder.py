"""The encoder: texts in, one row of numbers per text out. This one counts letters; put yours in its place."""

import zlib

import numpy as np


class MyEncoder:
    """Made without arguments; `encode` may return an array, a tensor or lists."""

    def encode(self, texts: list[str]) -> np.ndarray:
        """One row of counts per text."""
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for start in range(max(1, len(text) - 2)):
                row[zlib.crc32(text[start : start + 3].lower().encode("utf-8", "replace")) % 256] += 1.0
        return rows
