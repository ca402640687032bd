"""The ratio margin of two texts: their cosine against those of their nearest neighbours (Artetxe & Schwenk 2019)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Precision = TypeVar("Precision", np.float32, np.float64)


def ratio_margin(
    cosines: npt.NDArray[np.float32 | np.float64], own: npt.NDArray[Precision], other: npt.NDArray[Precision]
) -> npt.NDArray[Precision]:
    """cos(x, y) / ((mean cosine of x to its nearest ys + mean cosine of y to its nearest xs) / 2), cell by cell.

    `own` holds the means of the x, `other` those of the y; together they have the shape of `cosines`, and the result
    has their type. Where the denominator is zero, as for texts without any known token, the margin is zero.
    Source: Artetxe & Schwenk 2019 (arXiv:1811.01136), equation 3 with the ratio function.
    """
    both: npt.NDArray[Precision] = np.divide(own + other, 2)
    margins: npt.NDArray[Precision] = np.divide(cosines, both, out=np.zeros_like(both), where=both != 0)
    return margins
