"""BM25 without Java, by the library bm25s, with the settings of MTEB's published `baseline-bm25s`.

English stop words and the English Snowball stemmer serve every language, as they do there: on Chinese, Arabic or Thai
this is a weak baseline, and a known number. The whole corpus is one index, whatever its languages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from lapca_bench import Collection, Query, Run, SystemIdentity

Tokeniser = Callable[[Iterable[str]], list[list[str]]]


class BM25sSystem:
    """BM25 (Lucene's variant, k1 = 1.5, b = 0.75: the library's defaults) over the terms that `tokenise` makes.

    `settings` says what the terms are, for the identity. With `unmatched` a list is filled up with documents that share
    no term with the query, at score zero and in the order of their ids, as MTEB's evaluation does.
    """

    def __init__(self, name: str, tokenise: Tokeniser, settings: dict[str, Any], unmatched: bool) -> None:
        self.name = name
        self._tokenise = tokenise
        self._unmatched = unmatched
        self._settings = {**settings, "k1": 1.5, "b": 0.75, "unmatched": unmatched}

    @property
    def identity(self) -> SystemIdentity:
        """Terms, parameters and the releases of the libraries."""
        versions = {package: version(package) for package in ("bm25s", "PyStemmer")}
        return SystemIdentity("bm25s", {**self._settings, **versions})

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; the index is made anew in memory."""
        started = time.perf_counter()
        # By falling id, so that of equal scores the first is the one that the harness ranks first.
        documents = sorted(collection.documents(), key=lambda document: document.id, reverse=True)
        ids = [document.id for document in documents]
        score, size = self._index([document.content() for document in documents])
        indexed = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        rows: list[int] = []
        found: list[str] = []
        scores: list[float] = []
        for row, terms in enumerate(self._tokenise(query.text for query in queries)):
            values = score(terms)
            ranked = [place for place in _best(values, k + drop) if self._unmatched or values[place] > 0]
            kept = [place for place in ranked if not (drop and ids[place] == queries[row].id)][:k]
            rows += [row] * len(kept)
            found += [ids[place] for place in kept]
            scores += [float(values[place]) for place in kept]
        notes = {
            "timings": {"index": round(indexed - started, 3), "rank": round(time.perf_counter() - indexed, 3)},
            "index_bytes": size,
        }
        return Run.from_columns(self.name, [query.id for query in queries], rows, found, scores, notes)

    def _index(self, texts: list[str]) -> tuple[Callable[[list[str]], npt.NDArray[np.float32]], int]:
        """A function from the terms of a query to one score per text, and the bytes of the index."""
        import bm25s

        terms = self._tokenise(texts)
        if not any(terms):  # the library cannot index nothing
            return lambda _: np.zeros(len(texts), dtype=np.float32), 0
        index = bm25s.BM25(k1=1.5, b=0.75)
        index.index(terms, show_progress=False)
        size = sum(index.scores[part].nbytes for part in ("data", "indices", "indptr"))
        known = index.vocab_dict

        def score(query: list[str]) -> npt.NDArray[np.float32]:
            terms = [term for term in query if term in known]
            return index.get_scores(terms) if terms else np.zeros(len(texts), dtype=np.float32)

        return score, size


def _best(values: npt.NDArray[np.float32], k: int) -> list[int]:
    """The places of the `k` highest values, the earlier first where equal."""
    places = np.arange(len(values))
    if k < len(values):
        places = np.flatnonzero(values >= np.partition(values, len(values) - k)[len(values) - k])
    best: list[int] = places[np.argsort(-values[places], kind="stable")][:k].tolist()
    return best


def stemmed_words(texts: Iterable[str]) -> list[list[str]]:
    """Lower-cased words of two letters or more without English stop words, stemmed by English Snowball."""
    import bm25s
    import Stemmer

    whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]  # the stemmer takes no lone surrogate
    stemmer = Stemmer.Stemmer("english")
    terms: list[list[str]] = bm25s.tokenize(
        whole, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
    )
    return terms


def build(card: Any, _workspace: Any) -> BM25sSystem:
    """The system of card `bm25s`."""
    return BM25sSystem(card.name, stemmed_words, {"terms": "words, English stop words and Snowball"}, unmatched=True)
