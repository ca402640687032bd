"""Bitext collections scored from the vectors of both sides: what a run of one direction cannot show.

Aligned sides (Tatoeba, help-pages-bitext): accuracy both ways, F1, xSIM error with the ratio margin. Sides of which
only some sentences have a translation (BUCC): mined pairs against gold ones, the threshold tuned on the training split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import MissingResourceError, UsageError
from lapca_bench.run import Qrels
from lapca_bench.scoring import bitext
from lapca_bench.store.vectors import VectorStore

NEIGHBOURS = 4  # of the margin, in LASER as in the paper


@dataclass(frozen=True)
class Aligned:
    """Scores of a collection whose every query has one translation among the documents, and the other way round."""

    pairs: int
    accuracy: float  # query to document by cosine
    reverse_accuracy: float  # document to query
    f1: float
    xsim_error: float  # query to document by ratio margin
    reverse_xsim_error: float


@dataclass(frozen=True)
class Mined:
    """Scores of mined pairs; `tuned_on` and `split` name the splits of the threshold and of the scores."""

    gold: int
    tuned_on: str
    split: str
    threshold: float
    quality: bitext.MiningQuality


@dataclass(frozen=True)
class _Sides:
    """Vectors of both sides and the gold pairs as (query row, document row)."""

    queries: np.typing.NDArray[np.float32]
    documents: np.typing.NDArray[np.float32]
    gold: tuple[tuple[int, int], ...]

    @property
    def aligned(self) -> bool:
        count = len(self.gold)
        each_once = len({q for q, _ in self.gold}) == count == len({d for _, d in self.gold})
        return each_once and count == len(self.queries) == len(self.documents)


def score_bitext(encoder: Encoder, store: VectorStore, load: Callable[[str | None], Collection]) -> Aligned | Mined:
    """Scores of the collection that `load` gives by split (None: its default).

    The threshold is tuned on the default split and applied to another that is here with gold pairs, else to the same.
    Raises `UsageError` for a collection without gold pairs or with answers instead of pairs.
    """
    collection = load(None)
    sides = _sides(encoder, store, collection)
    if sides.aligned:
        return _aligned(sides)
    mined = bitext.mine(sides.queries, sides.documents, NEIGHBOURS)
    threshold = bitext.tune_threshold(mined, sides.gold)
    scored, split = (mined, sides), collection.split
    for other in collection.card.splits:
        if other == collection.split:
            continue
        try:
            second = load(other)
        except MissingResourceError:
            continue
        if getattr(second.relevance(), "judgements", None):
            found = _sides(encoder, store, second)
            scored, split = (bitext.mine(found.queries, found.documents, NEIGHBOURS), found), other
    quality = bitext.mining_quality(scored[0], scored[1].gold, threshold)
    return Mined(len(scored[1].gold), collection.split, split, threshold, quality)


def _sides(encoder: Encoder, store: VectorStore, collection: Collection) -> _Sides:
    relevance = collection.relevance()
    if not isinstance(relevance, Qrels) or not relevance.judgements:
        remedy = "bitext collections are tatoeba, help-pages-bitext and bucc"
        raise UsageError(f"{collection.card.name} ({collection.split}) has no gold pairs", remedy=remedy)
    queries = collection.queries()
    corpus = store.documents(encoder, collection.documents())
    row_of_query = {query.id: row for row, query in enumerate(queries)}
    row_of_document = {name: row for row, name in enumerate(corpus.ids.to_pylist())}
    gold = tuple(
        (row_of_query[query], row_of_document[document])
        for query, graded in relevance.judgements.items()
        for document, grade in graded.items()
        if grade > 0
    )
    return _Sides(store.queries(encoder, queries), np.concatenate(corpus.matrices()).astype(np.float32), gold)


def _aligned(sides: _Sides) -> Aligned:
    order = np.asarray([document for _, document in sorted(sides.gold)])
    x, y = sides.queries, sides.documents[order]
    right = np.arange(len(x))
    nearest = bitext.nearest(x, y)
    return Aligned(
        pairs=len(x),
        accuracy=float((nearest == right).mean()),
        reverse_accuracy=float((bitext.nearest(y, x) == right).mean()),
        f1=bitext.weighted_f1(right, nearest),
        xsim_error=bitext.xsim_error(x, y, NEIGHBOURS),
        reverse_xsim_error=bitext.xsim_error(y, x, NEIGHBOURS),
    )
