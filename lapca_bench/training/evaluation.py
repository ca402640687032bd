"""Looking at collections of the harness while a model trains, to stop early and to choose a checkpoint.

What is looked at here is tuned on. So name text kept for this, such as `help-pages` with split "heldout", and never a
collection whose figures are to be reported as a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from pydantic import Field

from lapca_bench.collections import registry
from lapca_bench.collections.base import Policy
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import UsageError
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import Scores, aggregate, score
from lapca_bench.search.exact.top_k import top_k
from lapca_bench.toml_model import Strict
from lapca_bench.training.model.tower_encoder import TowerEncoder
from lapca_bench.types import Document, Query

if TYPE_CHECKING:
    import pandas as pd

_DEPTH = 100
Item = TypeVar("Item", Query, Document)


class EvaluationSettings(Strict):
    """Every `every` steps: the held-out pairs' accuracy in one pool of all languages.

    Where `collections` of the harness are named, `measure` on a sample of `queries` of their `split` against a pool of
    `documents` (0 = all) comes first and decides; never name one whose figures will be reported. Training stops after
    `patience` evaluations without a better value; 0 never stops. `select` keeps the best or the last weights.
    """

    every: int = Field(default=1000, ge=1)
    save_every: int = Field(default=1000, ge=1)
    collections: tuple[str, ...] = ()
    split: str | None = None
    measure: str = "nDCG@10"
    queries: int = Field(default=200, ge=0)
    documents: int = Field(default=2000, ge=0)
    patience: int = Field(default=0, ge=0)
    select: Literal["best", "last"] = "last"


@dataclass(frozen=True)
class Look:
    """A sample of a collection: queries, their relevant documents and others to tell them from."""

    name: str
    queries: Sequence[Query]
    documents: Sequence[Document]
    relevance: Qrels
    policy: Policy
    measure: str

    @classmethod
    def at(cls, name: str, settings: EvaluationSettings) -> Look:
        """The sample that the settings describe, the same at every call.

        Raises `UsageError` for a collection without graded judgements, and what `collections.load` raises.
        """
        collection = registry.load(name, settings.split)
        relevance = collection.relevance()
        if not isinstance(relevance, Qrels):
            remedy = "name a collection with judged documents"
            raise UsageError(f"{name} is judged by answer strings", key="evaluation.collections", remedy=remedy)
        judged = [query for query in collection.queries() if relevance.relevant(query.id)]
        queries = _sample(judged, settings.queries)
        needed = {document for query in queries for document in relevance.judgements[query.id]}
        documents = list(collection.documents())
        if settings.documents:
            own = [document for document in documents if document.id in needed]
            others = [document for document in documents if document.id not in needed]
            documents = own + _sample(others, max(1, settings.documents - len(own)))
        kept = Qrels({query.id: relevance.judgements[query.id] for query in queries})
        return cls(name, queries, documents, kept, collection.card.policy, settings.measure)

    def value(self, encoder: Encoder) -> float:
        """The measure of the model of this moment, averaged as the collection's policy says."""
        (one,) = aggregate(self.scores(encoder)).values()
        mean = one.mean(self.policy.average)
        return float("nan") if mean is None else mean

    def scores(self, encoder: Encoder) -> Scores:
        """The measure of every query."""
        vectors = encoder.encode_queries([query.text for query in self.queries])
        rows = encoder.encode_documents(self.documents)
        hits = top_k(vectors, [rows], _DEPTH, lambda: np.argsort(np.argsort([one.id for one in self.documents])))
        found = [self.documents[row].id for row in hits.rows]
        run = Run.from_columns("training", [query.id for query in self.queries], hits.queries, found, hits.scores)
        return score(run, self.relevance, [self.measure], self.queries, self.policy, engine="numpy")


@dataclass(frozen=True)
class Looks:
    """What `Training.evaluate` calls: the mean over all looks first, for it decides, then each."""

    looks: Sequence[Look]

    @classmethod
    def of(cls, settings: EvaluationSettings) -> Looks | None:
        """The evaluation of a recipe; None where it names no collection."""
        looks = [Look.at(name, settings) for name in settings.collections]
        return cls(looks) if looks else None

    def per_query(self, encoder: Encoder) -> pd.DataFrame:
        """The measure of every query of every look: collection, measure, query, value."""
        import pandas as pd

        frames = []
        for look in self.looks:
            frame = look.scores(encoder).frame[["measure", "query", "value"]]
            frames.append(frame.assign(collection=look.name))
        return pd.concat(frames)[["collection", "measure", "query", "value"]]

    def __call__(self, encoder: TowerEncoder) -> Mapping[str, float]:
        """Values by name, such as "nDCG@10 help-pages/de-en"."""
        values = {f"{look.measure} {look.name}": look.value(encoder) for look in self.looks}
        mean = {f"mean {self.looks[0].measure}": float(np.mean(list(values.values())))} if len(values) > 1 else {}
        return mean | values


def _sample(items: Sequence[Item], size: int) -> list[Item]:
    """`size` of them (0: all), chosen by a hash of their ids, in their order."""
    if not size or len(items) <= size:
        return list(items)
    chosen = sorted(items, key=lambda item: hashlib.sha256(item.id.encode("utf-8", "surrogatepass")).digest())[:size]
    ids = {item.id for item in chosen}
    return [item for item in items if item.id in ids]
