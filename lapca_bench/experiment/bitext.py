"""Bitext collections scored from the vectors of both sides: what a run of one direction cannot show.

Aligned sides (Tatoeba, help-pages-bitext): accuracy both ways, F1, xSIM error with the ratio margin. Sides of which
only some sentences have a translation (BUCC): mined pairs against gold ones, the threshold tuned on the training split.
A collection of several languages is scored pair of languages by pair of languages, as if each were one of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from lapca_bench.collections.base import Collection
from lapca_bench.encoders.protocol import Encoder
from lapca_bench.errors import InputError, MissingResourceError, UsageError
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
    """Scores of mined pairs; `tuned_on` and `split` name the splits of the threshold and of the scores.

    `sentences` counts those of both sides, of which more than the pairs of `gold` hold were there to be mined.
    """

    sentences: tuple[int, int]
    gold: int
    tuned_on: str
    split: str
    threshold: float
    quality: bitext.MiningQuality


@dataclass(frozen=True)
class _Sides:
    """Vectors of both sides of a pair of languages, and the gold pairs as (query row, document row)."""

    queries: np.typing.NDArray[np.float32]
    documents: np.typing.NDArray[np.float32]
    gold: tuple[tuple[int, int], ...]

    @property
    def aligned(self) -> bool:
        count = len(self.gold)
        each_once = len({q for q, _ in self.gold}) == count == len({d for _, d in self.gold})
        return each_once and count == len(self.queries) == len(self.documents)


def score_bitext(
    encoder: Encoder, store: VectorStore, load: Callable[[str | None], Collection]
) -> dict[str, Aligned | Mined]:
    """Scores of the collection that `load` gives by split (None: its default), by pair of languages ("de-en").

    A threshold is tuned on the default split and applied to another that is here with gold pairs, else to the same.
    Raises `UsageError` for a collection without gold pairs or with answers instead of pairs, `InputError` where a pair
    names a sentence that is not there.
    """
    collection = load(None)
    sides = _sides(encoder, store, collection)
    if all(one.aligned for one in sides.values()):
        return {pair: _aligned(one) for pair, one in sides.items()}
    split, scored = _scored_split(encoder, store, load, collection)
    found: dict[str, Aligned | Mined] = {}
    for pair, one in sides.items():
        if one.aligned:
            found[pair] = _aligned(one)
            continue
        mined = bitext.mine(one.queries, one.documents, NEIGHBOURS)
        threshold = bitext.tune_threshold(mined, one.gold)
        other, seen = (split, scored[pair]) if pair in scored else (collection.split, one)
        if seen is not one:
            mined = bitext.mine(seen.queries, seen.documents, NEIGHBOURS)
        quality = bitext.mining_quality(mined, seen.gold, threshold)
        count = len(seen.queries), len(seen.documents)
        found[pair] = Mined(count, len(seen.gold), collection.split, other, threshold, quality)
    return found


def _scored_split(
    encoder: Encoder, store: VectorStore, load: Callable[[str | None], Collection], tuned: Collection
) -> tuple[str, dict[str, _Sides]]:
    """The last split other than `tuned` that is here with gold pairs, and its sides; no sides where there is none."""
    split, scored = tuned.split, dict[str, _Sides]()
    for other in tuned.card.splits:
        if other == tuned.split:
            continue
        try:
            second = load(other)
        except MissingResourceError:
            continue
        if getattr(second.relevance(), "judgements", None):
            split, scored = other, _sides(encoder, store, second)
    return split, scored


def _sides(encoder: Encoder, store: VectorStore, collection: Collection) -> dict[str, _Sides]:
    """The sides of every pair of languages that has gold pairs, by "language of queries-language of documents"."""
    relevance = collection.relevance()
    if not isinstance(relevance, Qrels) or not relevance.judgements:
        remedy = "bitext collections are tatoeba, help-pages-bitext and bucc"
        raise UsageError(f"{collection.card.name} ({collection.split}) has no gold pairs", remedy=remedy)
    queries = collection.queries()
    corpus = store.documents(encoder, collection.documents())
    asked, found = store.queries(encoder, queries), np.concatenate(corpus.matrices()).astype(np.float32)
    query_languages = np.asarray([query.language for query in queries], dtype=object)
    document_languages = np.asarray([x for language, rows in corpus.languages for x in repeat(language, rows)], object)
    query_rows = _rows_within(query_languages, [query.id for query in queries])
    document_rows = _rows_within(document_languages, corpus.ids.to_pylist())
    gold: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for query, graded in relevance.judgements.items():
        for document, grade in graded.items():
            if grade > 0:
                (first, row), (second, place) = _row(query_rows, query), _row(document_rows, document)
                gold.setdefault((first, second), []).append((row, place))
    return {
        f"{first}-{second}": _Sides(
            asked[query_languages == first], found[document_languages == second], tuple(gold[first, second])
        )
        for first, second in gold
    }


def _rows_within(languages: np.typing.NDArray[np.object_], ids: list[str]) -> dict[str, tuple[str, int]]:
    """For each sentence its language, and its row among those of this language."""
    count: dict[str, int] = {}
    rows = {}
    for language, name in zip(languages, ids, strict=True):
        rows[name] = (language, count.get(language, 0))
        count[language] = rows[name][1] + 1
    return rows


def _row(rows: dict[str, tuple[str, int]], name: str) -> tuple[str, int]:
    if name not in rows:
        raise InputError(f"a gold pair names the sentence {name!r}, which the collection does not have")
    return rows[name]


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
