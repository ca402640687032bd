"""`SparseSystem`: a learned sparse encoder and an inverted index over its stored rows.

The index of a shard is its rows by term: a product of sparse matrices visits, for each term of a query, the documents
that hold the term, and no others. Sums are taken in float64 and rounded to float32, so that they do not depend on how
the corpus is cut. A document that shares no term with the query is not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from lapca_bench import toml_model
from lapca_bench.encoders.kinds.sentence_transformers import SentenceSparseSettings
from lapca_bench.encoders.kinds.term_weights import SparseSettings
from lapca_bench.encoders.protocol import SparseEncoder
from lapca_bench.run import Float32, Int64
from lapca_bench.search.card import Making, SystemCard
from lapca_bench.search.exact.best import Best
from lapca_bench.search.exact.top_k import Hits
from lapca_bench.search.notes import Notes
from lapca_bench.search.stored import id_ranks
from lapca_bench.search.stored_system import StoredSystem
from lapca_bench.store.forms import sparse_rows
from lapca_bench.store.vectors import StoredCorpus

if TYPE_CHECKING:
    from scipy.sparse import csr_array

QUERIES = 1_024  # scored at a time against one shard


class SparseSystem(StoredSystem[SparseEncoder, "csr_array"]):
    """Ranks documents by the dot product of their term weights with the query's; `store` has the form `Sparse`."""

    kind = "sparse"
    method = "inverted index, exact"

    def _hits(self, corpus: StoredCorpus, asked: csr_array, k: int) -> Hits:
        queries = asked.shape[0]
        best = Best(queries, k, id_ranks(corpus.ids))
        for first, documents in self._shards(corpus):
            index = documents.T.tocsr()
            for start in range(0, queries, QUERIES):
                found = (asked[start : start + QUERIES] @ index).tocoo()
                positive = found.data > 0
                row, column = found.coords
                scores = found.data[positive].astype(np.float32)
                best.add(row[positive].astype(np.int64) + start, column[positive].astype(np.int64) + first, scores)
        return best.hits()

    def _pair_scores(self, corpus: StoredCorpus, asked: csr_array, query_of: Int64, rows: Int64) -> Float32:
        scores = np.zeros(len(rows), dtype=np.float32)
        for start, documents in self._shards(corpus):
            here = np.flatnonzero((rows >= start) & (rows < start + documents.shape[0]))
            pairs = asked[query_of[here]].multiply(documents[rows[here] - start])
            scores[here] = np.asarray(pairs.sum(axis=1)).ravel().astype(np.float32)
        return scores

    def _sizes(self, corpus: StoredCorpus, asked: csr_array) -> Notes:
        terms = sum(int(lengths.sum()) for _, lengths in corpus.ragged())
        return {
            "terms_per_document": round(terms / max(len(corpus), 1), 1),
            "terms_per_query": round(asked.nnz / max(asked.shape[0], 1), 1),
        }

    def _shards(self, corpus: StoredCorpus) -> Iterator[tuple[int, csr_array]]:
        """(first row, CSR array) of each shard."""
        first = 0
        for entries, lengths in corpus.ragged():
            yield first, sparse_rows(entries, lengths, self.encoder.terms)
            first += len(lengths)


class SparseCard(SystemCard):
    """A system that is an encoder of term weights."""

    kind: Literal["sparse"]
    sparse: Annotated[SparseSettings | SentenceSparseSettings, Field(discriminator="type")]

    @model_validator(mode="before")
    @classmethod
    def _transformers_loads_it(cls, values: object) -> object:
        return toml_model.with_default(values, "sparse", "type", "transformer")

    def make(self, making: Making) -> SparseSystem:
        """The system over the workspace's store of term weights."""
        workspace = making.workspace
        return SparseSystem(self.sparse.encoder(self.name), workspace.sparse_vectors, workspace.executor)
