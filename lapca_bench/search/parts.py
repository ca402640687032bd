"""Search over a stored corpus, cut in as many parts as an executor has workers; the result is that of the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lapca_bench.encoders.protocol import Vectors
from lapca_bench.search.exact.top_k import Hits, best_of, top_k
from lapca_bench.search.stored import id_ranks
from lapca_bench.store.executor import Executor
from lapca_bench.store.shard import ShardManifest
from lapca_bench.store.shelf import Shards, Shelf
from lapca_bench.store.vectors import StoredCorpus

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Part:
    """Consecutive shards of a corpus: their first row in it, their manifests, and the ids of their documents."""

    start: int
    manifests: tuple[ShardManifest, ...]
    ids: pa.ChunkedArray


@dataclass(frozen=True)
class _SearchPart:
    """The task that an executor runs on every part of a corpus."""

    queries: Vectors
    shelf: Shelf
    k: int

    def __call__(self, part: _Part) -> Hits:
        """The best rows of the part, numbered as in the corpus."""
        matrices = Shards(self.shelf, part.manifests)
        hits = top_k(self.queries, matrices, self.k, lambda: id_ranks(part.ids))
        return replace(hits, rows=hits.rows + part.start)


def search_corpus(queries: Vectors, corpus: StoredCorpus, k: int, executor: Executor) -> Hits:
    """The `k` best rows of a stored corpus for each query."""
    parts = [_Part(start, tuple(manifests), ids) for start, manifests, ids in corpus.parts(executor.workers)]
    found = list(executor.map(_SearchPart(queries, corpus.shelf, k), parts))
    if len(found) == 1:
        return found[0]
    return best_of(found, len(queries), k, lambda: id_ranks(corpus.ids))
