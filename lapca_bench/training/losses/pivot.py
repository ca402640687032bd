"""The pivot term: vectors of a block, in whatever language, towards the start model's in one language.

Languages meet where the start model already knows how to rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.batch import Batch
from lapca_bench.training.losses.functions import score_distillation, vector_distillation
from lapca_bench.training.losses.term import MatrixLoss, MatrixTerm, Needs, StartVectors

if TYPE_CHECKING:
    from torch import Tensor


class PivotSettings(Strict):
    """`pivot` pulls the vectors of a block to the start model's vector of its text in `pivot_language`.

    It does so where the pairs hold such a text. `ranking` pulls the scores between views to those between their pivots,
    at `ranking_temperature`.
    """

    pivot: float = Field(default=0.0, ge=0)
    pivot_language: str = "en"
    ranking: float = Field(default=0.0, ge=0)
    ranking_temperature: float = Field(default=0.02, gt=0)


@dataclass(frozen=True)
class Pivots:
    """The start model's vectors (n, d) of the views with a text in the pivot language, rows `places` of a batch."""

    places: Tensor
    vectors: Tensor


class Pivot(MatrixTerm[PivotSettings]):
    """Pivot·mean(1 − cos(view, its pivot)) + ranking·KL(scores between pivots || scores between views).

    The first keeps vectors where the start model puts their text in the pivot language, the second keeps which passages
    it ranks near which query, over the pairs of the batch whose both views have a pivot.
    """

    keys = PivotSettings

    @classmethod
    def used(cls, settings: PivotSettings) -> bool:
        """Where either part weighs anything."""
        return settings.pivot > 0 or settings.ranking > 0

    @property
    def needs(self) -> Needs:
        """The start model, and texts in the pivot language."""
        return Needs(start_model=True, pivot_language=self._settings.pivot_language)

    def over(self, batch: Batch, start: StartVectors) -> MatrixLoss | None:
        """The loss of the views that have a pivot; None where no view has."""
        import torch

        sides = (batch.query_pivots, batch.passage_pivots)
        found = [[place for place, text in enumerate(side) if text] for side in sides]
        if not any(found):
            return None
        queries = len(batch.queries)
        texts = [[side[place] for place in places] for side, places in zip(sides, found, strict=True)]
        different = [list(dict.fromkeys(side)) for side in texts]  # one text may be the pivot of several views
        known = [{text: row for row, text in enumerate(side)} for side in different]
        vectors = start.of_texts(*different)
        own = [known[0][text] for text in texts[0]] + [len(different[0]) + known[1][text] for text in texts[1]]
        rows = [*found[0], *(queries + place for place in found[1])]
        pivots = Pivots(torch.tensor(rows, device=vectors.device), vectors[own])
        pairs = batch.judged is None
        return lambda matrix: self.towards(pivots, matrix, queries, pairs=pairs)

    def towards(self, pivots: Pivots, matrix: Tensor, queries: int, *, pairs: bool = True) -> Tensor:
        """Both parts over the joint matrix of a batch of so many `queries`; `pairs`: each belongs to one passage."""
        loss = self._settings.pivot * vector_distillation(matrix[pivots.places], pivots.vectors)
        if not self._settings.ranking:
            return loss
        ranking = self._ranking if pairs else self._judged_ranking
        return loss + self._settings.ranking * ranking(pivots, matrix, queries)

    def _judged_ranking(self, pivots: Pivots, matrix: Tensor, queries: int) -> Tensor:
        """Of every query with a pivot over all candidates with one."""
        from torch.nn.functional import normalize

        asked = pivots.places < queries
        if not asked.any() or asked.all():
            return matrix.new_zeros(())
        views, fixed = normalize(matrix[pivots.places], dim=-1), normalize(pivots.vectors, dim=-1)
        temperature = self._settings.ranking_temperature
        seen, wanted = views[asked] @ views[~asked].T, fixed[asked] @ fixed[~asked].T
        return score_distillation(seen / temperature, wanted / temperature)

    def _ranking(self, pivots: Pivots, matrix: Tensor, pairs: int) -> Tensor:
        """Of the pairs whose both views have a pivot."""
        from torch.nn.functional import normalize

        rows = {int(place): row for row, place in enumerate(pivots.places)}
        whole = [place for place in range(pairs) if place in rows and pairs + place in rows]
        if len(whole) < 2:
            return matrix.new_zeros(())
        views, fixed = normalize(matrix, dim=-1), normalize(pivots.vectors, dim=-1)
        seen = views[whole] @ views[[pairs + place for place in whole]].T
        wanted = fixed[[rows[place] for place in whole]] @ fixed[[rows[pairs + place] for place in whole]].T
        temperature = self._settings.ranking_temperature
        return score_distillation(seen / temperature, wanted / temperature)
