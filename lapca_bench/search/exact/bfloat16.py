"""Pairs that may reach a floor, found with products of bfloat16, which some processors multiply several times as fast.

A filter: it may let a pair through that does not reach its floor, and never stops one that does. With q̃ and d̃ the
rounded vectors of n numbers, c what is computed for q̃·d̃ − L, and L a level at or below the floor less the error,

    |q·d − q̃·d̃| ≤ |q − q̃|·|d| + |q̃|·|d − d̃|                             (Cauchy and Schwarz, twice)
    |c − (q̃·d̃ − L)| ≤ (n + 4)·2⁻²³·(|q̃|·|d̃| + 2|L|) + (n + 4)·2⁻¹⁰⁰

so that q·d ≥ floor gives c ≥ 0. The first line is tight, because the norms are those of the actual differences: of each
query, and the largest of a block of rows. The second is generous. Products of bfloat16 are exact in float32, and a sum
of n + 2 of them in any order errs by no more than (n + 1)·2⁻²⁴ of their absolute sum (Higham, section 3.1); twice as
much allows for instructions that do not round to nearest, and the last term for those that take subnormal numbers for
zero (2⁻¹²⁶ per operation; times the other factor, at most 2²⁰).

The level is subtracted within the product, as two more numbers of each query that meet ones in each row: c comes out
rounded to bfloat16, which loses eight more bits of a score and nothing of its sign.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.run import Float32, Int64
from lapca_bench.search.exact.buffers import Buffers

if TYPE_CHECKING:
    from torch import Tensor

FEWEST_QUERIES = 128  # for fewer, rounding the rows takes as long as it saves
WORTH_AN_IMPORT = 2**40  # multiplications that take some ten seconds in float32; to import torch takes two
LONGEST = 2.0**20  # norm of a vector: no product comes near the end of the range, and subnormal rests count nothing


def pays(queries: int, rows: int, dimension: int) -> bool:
    """Whether this processor gains by the filter, torch and its import included."""
    if queries < FEWEST_QUERIES or ("torch" not in sys.modules and queries * rows * dimension < WORTH_AN_IMPORT):
        return False
    return _in_hardware()


@cache
def _in_hardware() -> bool:
    try:
        import torch
    except ImportError:
        return False
    capabilities: Mapping[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions have none
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


@dataclass(frozen=True)
class Rounded:
    """A block of rows in bfloat16, with two ones behind each row's numbers, and what bounds their rounding."""

    rows: Tensor
    longest: float  # norm of any row
    difference: float  # norm of any row less its rounded one


def rounded(block: Float32, longest: float, buffers: Buffers) -> Rounded:
    """`block` in this thread's buffers; none of its rows is longer than `longest`."""
    import torch

    count, dimension = block.shape
    apart = buffers.array("differences", (count, dimension))
    np.copyto(apart, block)  # torch warns of arrays that cannot be written, as memory-mapped ones
    rows = _tensor(buffers.array("rounded rows", (count, dimension + 2), np.int16))
    rows[:, :dimension] = torch.from_numpy(apart)
    rows[:, dimension:] = 1
    torch.from_numpy(apart).sub_(rows[:, :dimension])
    unseen = dimension**0.5 * 2.0**-63  # norm of a row whose squares are too small for float32
    return Rounded(rows, longest + unseen, float(np.sqrt(np.einsum("ij,ij->i", apart, apart).max())) + unseen)


class Filter:
    """Of one block of queries, `(n, dimension)` float32. `pairs` runs in several threads at once."""

    def __init__(self, queries: Float32, buffers: Buffers) -> None:
        import torch

        halves = torch.tensor(queries).bfloat16()
        # Queries are columns, as in the product of float32; two more rows take the level.
        self._columns = torch.cat([halves, halves.new_zeros(len(halves), 2)], dim=1).T.contiguous()
        self._norms = np.linalg.norm(halves.double().numpy(), axis=1)
        self._differences = np.linalg.norm(halves.double().numpy() - queries, axis=1)
        self._terms = queries.shape[1] + 4
        self._buffers = buffers

    def pairs(self, block: Rounded, floors: npt.NDArray[np.float64], most: int) -> Int64 | None:
        """Flat places in `(rows, queries)` of all pairs whose dot product may reach the query's floor, which is finite.

        None if they are more than `most`, or if vectors are too long to tell.
        """
        import torch

        if not max(block.longest, self._norms.max()) <= LONGEST:
            return None
        columns = _tensor(self._buffers.array("rounded queries", (len(self._columns), len(floors)), np.int16))
        columns.copy_(self._columns)
        level = torch.from_numpy(-self._levels(block, floors).astype(np.float32))
        columns[-2] = level
        columns[-1] = level - columns[-2]
        scores = self._buffers.array("rounded scores", (len(block.rows), len(floors)), np.int16)
        torch.mm(block.rows, columns, out=_tensor(scores))
        chosen = self._buffers.array("chosen", scores.shape, np.bool_)
        np.greater_equal(scores, 0, out=chosen)  # a bfloat16 has the sign of its bits
        return None if np.count_nonzero(chosen) > most else np.flatnonzero(chosen)

    def _levels(self, block: Rounded, floors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """L of each query: the floor less all errors."""
        error = self._differences * block.longest + self._norms * block.difference
        sums = self._norms * (block.longest + block.difference) + 2 * np.abs(floors)
        error += self._terms * (2.0**-23 * sums + 2.0**-100)
        levels: npt.NDArray[np.float64] = floors - 1.01 * error  # norms are rounded, and |L| may exceed |floor|
        return levels - 2.0**-16 * np.abs(levels)  # two bfloat16 hold all but 2⁻¹⁸ of it


def _tensor(bits: npt.NDArray[np.int16]) -> Tensor:
    import torch

    return torch.from_numpy(bits).view(torch.bfloat16)
