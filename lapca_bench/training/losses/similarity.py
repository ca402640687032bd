"""How the vectors of a query and a passage are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lapca_bench.toml_model import Strict

if TYPE_CHECKING:
    from torch import Tensor


class SimilaritySettings(Strict):
    """`similarity` is the cosine of two vectors, or their dot product."""

    similarity: Literal["cosine", "dot"] = "cosine"

    def comparable(self, vectors: Tensor) -> Tensor:
        """(n, d) vectors whose dot products are the similarities."""
        from torch.nn.functional import normalize

        return normalize(vectors, dim=-1) if self.similarity == "cosine" else vectors
