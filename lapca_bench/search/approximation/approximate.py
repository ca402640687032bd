"""`ApproximateSystem`: a dense system searched through a faiss index, with its recall against exact search measured.

An index that skips rows trades recall for speed, and how much is a property of the vectors at hand: no table says it.
So every search also runs exactly for some of its queries, and the share of their exact results that the index found
goes with the run into the row. Exact search is the default everywhere else in this harness.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from lapca_bench.atomic import atomic_folder
from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_texts
from lapca_bench.encoders.protocol import Vectors
from lapca_bench.errors import UsageError
from lapca_bench.extras import need, releases
from lapca_bench.lock import exclusive
from lapca_bench.run import Int64, Run
from lapca_bench.sealed import check_folder, seal_folder
from lapca_bench.search.approximation.trial import trial
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.dense import DenseSystem, dense_part
from lapca_bench.search.exact.top_k import Hits, pair_scores, top_k
from lapca_bench.search.stored import id_ranks, run_of, without_self_matches
from lapca_bench.search.system import SystemIdentity
from lapca_bench.store.vectors import StoredCorpus
from lapca_bench.types import Query

if TYPE_CHECKING:
    from faiss import Index

MEASURED_QUERIES = 200  # searched exactly too; the standard error of a recall of 0.9 over 200 × 100 is below 0.01
_TRAINED_ON = 256  # rows per cell that faiss's clustering looks at
_FILE = "index.faiss"


class ApproximateSettings(SystemSettings):
    """Table `[approximate]`: a dense system searched through a faiss `index`, of which a search visits `probe` cells.

    `index` is a factory string of faiss: "IVF1024,Flat", "IVF256,PQ48", "HNSW32" (where `probe` counts neighbours).
    """

    system: str
    index: str
    probe: int = Field(default=16, ge=1)

    @property
    def parts(self) -> tuple[str, ...]:
        """The dense system."""
        return (self.system,)


class ApproximateCard(SystemCard):
    """A dense system searched through a faiss index."""

    kind: Literal["approximate"]
    approximate: ApproximateSettings

    def make(self, making: Making) -> ApproximateSystem:
        """The system over the dense one, with its indexes in the workspace's cache."""
        settings = self.approximate
        dense = dense_part(making, settings.system, "approximate.system")
        return ApproximateSystem(dense, settings.index, settings.probe, making.workspace.cache / "faiss", self.name)


class ApproximateSystem:
    """Ranks by dot product among the rows that a faiss index visits; what it finds is scored exactly.

    `index` is a faiss factory string ("IVF1024,Flat", "HNSW32", "IVF256,PQ48"); `probe` how many cells (or neighbours,
    for HNSW) a search visits: faiss's nprobe or efSearch.
    """

    def __init__(self, dense: DenseSystem, index: str, probe: int, folder: Path, name: str) -> None:
        self.dense = dense
        self.index = index
        self.probe = probe
        self.name = name
        self._folder = folder

    @property
    def parts(self) -> tuple[DenseSystem, ...]:
        """The systems that it is made of."""
        return (self.dense,)

    @property
    def identity(self) -> SystemIdentity:
        """The dense system's identity, and everything that decides which rows are visited."""
        settings = {"dense": self.dense.identity.digest, "index": self.index, "probe": self.probe}
        return SystemIdentity("approximate", {**settings, "versions": releases("faiss-cpu")})

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The run of these queries; an index that is not in the cache is built first."""
        dense = self.dense
        corpus, vectors, notes = dense.encoded(collection, queries)
        started = time.perf_counter()
        index = self._opened(corpus)
        notes["timings"]["index"] = round(time.perf_counter() - started, 3)
        started = time.perf_counter()
        drop = collection.card.policy.self_match == "drop"
        hits = self._hits(index, corpus, vectors, k + drop)
        notes["timings"]["rank"] = round(time.perf_counter() - started, 3)
        notes["recall"] = measured_recall(hits, corpus, vectors, k + drop)
        run = run_of(self.name, queries, corpus.ids, hits, notes)
        run = without_self_matches(run).cut(k) if drop else run
        return replace(run, notes=notes)

    def _hits(self, index: Index, corpus: StoredCorpus, vectors: Vectors, k: int) -> Hits:
        rows: Int64 = np.empty((0, 0), np.int64)
        if len(corpus):
            try:
                rows = index.search(np.ascontiguousarray(vectors), min(k, len(corpus)))[1]
            except (RuntimeError, MemoryError) as error:
                raise self._refused(_reason(error)) from error
        query_of, place = np.nonzero(rows >= 0)  # faiss fills up with -1
        found = rows[query_of, place].astype(np.int64)
        return Hits(query_of, found, pair_scores(vectors, corpus.matrices(), query_of, found))

    def _opened(self, corpus: StoredCorpus) -> Index:
        """The faiss index of this corpus, from the cache or made now."""
        faiss = need("faiss", "faiss")
        settings = [self.index, *sorted(releases("faiss-cpu").values())]
        address = digest_texts([*settings, *(manifest.address for manifest in corpus.manifests)])[:32]
        folder = self._folder / address
        with exclusive(self._folder / "locks", address):
            if not folder.is_dir():
                with atomic_folder(folder) as temporary:
                    faiss.write_index(self._made(faiss, corpus), str(temporary / _FILE))
                    seal_folder(temporary)
        check_folder(folder, "`lapca-bench cache verify --repair` removes it; the next run builds it again")
        index: Index = faiss.read_index(str(folder / _FILE))
        self._set_probe(faiss, index, len(corpus))
        return index

    def _made(self, faiss: ModuleType, corpus: StoredCorpus) -> Index:
        dimension = self.dense.encoder.dimension
        if died := trial(self.index, dimension):
            raise self._refused(f"it {died} on a few random vectors")
        try:
            index: Index = faiss.index_factory(dimension, self.index, faiss.METRIC_INNER_PRODUCT)
            if not index.is_trained:
                index.train(self._sample(corpus, getattr(index, "nlist", 1024) * _TRAINED_ON))
            for matrix in corpus.matrices():
                index.add(np.asarray(matrix, dtype=np.float32))
        except (RuntimeError, MemoryError, ValueError) as error:
            raise self._refused(_reason(error)) from error
        return index

    def _refused(self, reason: str) -> UsageError:
        return UsageError(
            f"faiss cannot make the index {self.index!r} of these vectors: {reason}",
            key="approximate.index",
            remedy='use one of faiss\'s factory strings, such as "IVF1024,Flat", "HNSW32" or "IVF256,PQ48"',
        )

    def _sample(self, corpus: StoredCorpus, size: int) -> Vectors:
        """Up to `size` rows for clustering, always the same ones."""
        rows = np.random.default_rng(13).permutation(len(corpus))[:size]
        rows.sort()
        edges = np.cumsum([0, *(manifest.rows for manifest in corpus.manifests)])
        parts = []
        for matrix, first, last in zip(corpus.matrices(), edges[:-1], edges[1:], strict=True):
            within = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)] - first
            parts.append(np.asarray(matrix[within], dtype=np.float32))
        return np.concatenate(parts)

    def _set_probe(self, faiss: ModuleType, index: Index, rows: int) -> None:
        parameter = "efSearch" if self.index.startswith("HNSW") else "nprobe"
        try:  # more than all rows is all rows; faiss makes room for what it is told
            faiss.ParameterSpace().set_index_parameter(index, parameter, min(self.probe, max(rows, 1)))
        except RuntimeError as error:
            message = f"{self.index} has no parameter {parameter}"
            raise UsageError(message, key="approximate.index", remedy="use an IVF or HNSW index") from error


def _reason(error: Exception) -> str:
    """What a message of faiss says, without the place in its source."""
    told = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r"^Error in .* at \S+:\d+: (Error: '.*' failed: )?", "", told)


def measured_recall(hits: Hits, corpus: StoredCorpus, vectors: Vectors, k: int) -> dict[str, float | int]:
    """Which share of the exact `k` best of the first queries an index found: {"recall", "at", "queries"}."""
    asked = vectors[:MEASURED_QUERIES]
    exact = top_k(asked, corpus.matrices(), k, lambda: id_ranks(corpus.ids))
    width = max(len(corpus), 1)
    mine = hits.queries < len(asked)
    common = np.isin(exact.queries * width + exact.rows, hits.queries[mine] * width + hits.rows[mine])
    share = float(common.mean()) if len(common) else 1.0
    return {"recall": round(share, 4), "at": k, "queries": len(asked)}
