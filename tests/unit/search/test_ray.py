"""Encoding, searching and mining on a real Ray cluster, whose nodes are killed in the middle of their work."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="needs the extra lapca-bench[ray]")

from lapca_bench.encoders.identity import EncoderIdentity  # noqa: E402
from lapca_bench.errors import EncoderError, LapcaError  # noqa: E402
from lapca_bench.search.parts import search_corpus  # noqa: E402
from lapca_bench.search.ray_executor import RayExecutor  # noqa: E402
from lapca_bench.search.workspace import Workspace  # noqa: E402
from lapca_bench.store.executor import LocalExecutor  # noqa: E402
from lapca_bench.store.shared import Shared  # noqa: E402
from lapca_bench.store.vectors import VectorStore  # noqa: E402
from lapca_bench.training.mining import chunks, mine  # noqa: E402
from lapca_bench.training.mining.aligner import Aligner  # noqa: E402
from lapca_bench.training.recipe import load_recipe  # noqa: E402
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph  # noqa: E402
from lapca_bench.types import Document  # noqa: E402

ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not see the folder of the tests
SHARD = 4
DOCUMENTS = [Document(f"d{number:03}", f"text {number % 50}") for number in range(48)]


class Slow:
    """Vectors from the texts' numbers; writes down the beginning and the end of every call, and takes its time."""

    dimension = 3
    similarity = "dot"
    identity = EncoderIdentity("slow", {"version": 1})

    def __init__(self, log: Path, seconds: float = 0.25) -> None:
        self.log = log
        self.seconds = seconds

    def encode_queries(self, texts: Any, *, language: str | None = None) -> Any:
        return self._vectors(texts)

    def encode_documents(self, documents: Any, *, language: str | None = None) -> Any:
        first = documents[0].id
        self._note(f"begin {first}")
        time.sleep(self.seconds)
        if documents[0].text == "text 999":
            raise EncoderError("no vector for 999")
        self._note(f"end {first}")
        return self._vectors([document.text for document in documents])

    def _note(self, line: str) -> None:
        with self.log.open("a") as handle:
            handle.write(line + "\n")

    def _vectors(self, texts: Any) -> Any:
        numbers = np.array([int(text.split()[1]) for text in texts], dtype=np.float32)
        return np.stack([np.sin(numbers), np.cos(numbers), numbers / 50], axis=1).astype(np.float32)


class OnACircle(Slow):
    """Numbers as directions."""

    similarity = "cosine"
    identity = EncoderIdentity("on a circle", {"version": 1})

    def _vectors(self, texts: Any) -> Any:
        found = super()._vectors(texts)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")  # on the head, which nobody kills
    for _ in range(2):
        made.add_node(num_cpus=1)
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


def notes(log: Path) -> Counter[str]:
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def test_a_killed_node_costs_its_shard_and_nothing_else(cluster: Any, tmp_path: Path) -> None:
    local = VectorStore(tmp_path / "local", shard_size=SHARD).documents(Slow(tmp_path / "local.log", 0), DOCUMENTS)
    log = tmp_path / "ray.log"
    executor = RayExecutor(cluster.address)
    assert executor.workers == 2
    store = VectorStore(tmp_path / "shared", shard_size=SHARD)

    def documents() -> Iterator[Document]:
        victim = cluster.list_all_nodes()[-1]
        for number, document in enumerate(DOCUMENTS):
            if number == len(DOCUMENTS) // 2:  # when the executor asks for more, both nodes are at work
                while sum(notes(log).values()) < 3:
                    time.sleep(0.05)
                cluster.remove_node(victim, allow_graceful=False)
            yield document

    corpus = store.documents(Slow(log), documents(), executor)

    assert [manifest.address for manifest in corpus.manifests] == [one.address for one in local.manifests]
    assert [manifest.sha256 for manifest in corpus.manifests] == [one.sha256 for one in local.manifests]
    assert corpus.ids.to_pylist() == [document.id for document in DOCUMENTS]
    counted = notes(log)
    shards = {document.id for document in DOCUMENTS[::SHARD]}
    assert {line for line in counted if line.startswith("end")} == {f"end {first}" for first in shards}
    again = {line.split()[1] for line, count in counted.items() if count > 1}
    assert len(again) <= 1, "more than the killed shard was computed again"
    assert max(counted.values()) <= 2

    queries = Slow(log).encode_queries([f"text {number}" for number in range(7)])
    for k in (1, 5, 100):
        here = search_corpus(queries, local, k, LocalExecutor())
        there = search_corpus(queries, corpus, k, _InThirds(executor))
        assert hits(there) == hits(here)


class _InThirds:
    """The Ray executor, asked to cut the corpus into three parts whatever is left of the cluster."""

    workers = 3

    def __init__(self, executor: RayExecutor) -> None:
        self.map = executor.map


class Pages:
    """Nine links of three languages, whose paragraphs are numbers; `halfway` is called after four of them."""

    name, licence = "toy", "CC0-1.0"

    def __init__(self, halfway: Any = None) -> None:
        self._halfway = halfway

    def groups(self) -> Iterator[list[LinkedPage]]:
        for link in range(9):
            if link == 4 and self._halfway is not None:
                self._halfway()
            numbers = [link * 5 + place for place in range(4)]
            yield [
                LinkedPage(
                    str(link),
                    language,
                    "",
                    tuple(LinkedParagraph(f"{language} {one}") for one in reversed(numbers[first:])),
                )
                for first, language in enumerate(("aa", "bb", "cc"))
            ]


@pytest.mark.parametrize("scope", ["linked", "global"])
def test_mining_writes_the_same_bytes(cluster: Any, tmp_path: Path, monkeypatch: Any, scope: str) -> None:
    monkeypatch.setattr(chunks, "GROUPS_PER_CHUNK", 1)
    settings = {"mining.scope": scope, "mining.aligner": "toy", "mining.method": "margin", "mining.threshold": 0.0}
    blocks = {"mining.blocks": {"unit": "paragraph", "minimum_characters": 1}}
    executor = RayExecutor(cluster.address)
    log = tmp_path / "ray.log"
    victim = cluster.add_node(num_cpus=1) if scope == "linked" else None

    def halfway() -> None:
        if victim is not None:
            while sum(notes(log).values()) < 3:
                time.sleep(0.05)
            cluster.remove_node(victim, allow_graceful=False)

    def mined(name: str, corpus: Pages, seconds: float, workspace: Workspace) -> tuple[bytes, bytes]:
        aligner = Aligner(
            "toy", ("*",), Slow(tmp_path / f"{name}.log", seconds), VectorStore(tmp_path / name, shard_size=4)
        )
        monkeypatch.setattr(mine, "corpus_of", lambda *_: corpus)
        monkeypatch.setattr(mine, "aligner_of", lambda *_: aligner)
        out = tmp_path / f"{name}.parquet"
        mine.mine_to_file(load_recipe("small", **settings, **blocks).mining, "toy", out, workspace)
        return out.read_bytes(), out.with_suffix(".report.json").read_bytes()

    here = mined("local", Pages(), 0, Workspace(tmp_path))
    there = mined("ray", Pages(halfway), 0.1, Workspace(tmp_path, _InThirds(executor)))
    assert there == here
    ends = [count for line, count in notes(log).items() if line.startswith("end")]
    assert len(ends) == 27 if scope == "linked" else len(ends) > 8
    assert sum(count > 1 for count in ends) <= 1


def hits(found: Any) -> set[tuple[int, int, float]]:
    return set(zip(found.queries.tolist(), found.rows.tolist(), found.scores.tolist(), strict=True))


def test_an_error_of_a_task_is_raised_as_itself(cluster: Any, tmp_path: Path) -> None:
    documents = [Document("good", "text 1"), Document("bad", "text 999"), Document("late", "text 3")]
    store = VectorStore(tmp_path, shard_size=1)
    with pytest.raises(EncoderError, match="no vector for 999"):
        store.documents(Slow(tmp_path / "log", 0), documents, RayExecutor(cluster.address))


def test_a_cluster_without_room_says_so(cluster: Any) -> None:
    with pytest.raises(LapcaError, match="a worker takes 64"):
        _ = RayExecutor(cluster.address, cores=64).workers


def test_nodes_with_caches_of_their_own_share_an_address(cluster: Any, tmp_path: Path) -> None:
    for node in list(cluster.worker_nodes):
        cluster.remove_node(node)
    caches = [tmp_path / "first", tmp_path / "second"]
    for cache in caches:
        cluster.add_node(num_cpus=1, env_vars={"LAPCA_BENCH_CACHE": str(cache)})
    (tmp_path / "shared").mkdir()
    log = tmp_path / "ray.log"
    executor = RayExecutor(cluster.address)
    local = VectorStore(tmp_path / "local", shard_size=SHARD).documents(Slow(tmp_path / "local.log", 0), DOCUMENTS)
    shared = Shared((tmp_path / "shared").as_uri()).check()
    store = VectorStore(tmp_path / "driver" / "vectors", shard_size=SHARD, shared=shared)
    while executor.workers < 2:
        time.sleep(0.05)

    corpus = store.documents(Slow(log), DOCUMENTS, executor)

    assert [manifest.sha256 for manifest in corpus.manifests] == [one.sha256 for one in local.manifests]
    ends = [count for line, count in notes(log).items() if line.startswith("end")]
    assert ends == [1] * len(corpus.manifests)
    made = [shards(cache) for cache in caches]
    assert all(made)
    assert not made[0] & made[1]
    assert made[0] | made[1] == shards(tmp_path / "shared") == {manifest.address for manifest in corpus.manifests}
    assert not shards(tmp_path / "driver")

    queries = Slow(log).encode_queries([f"text {number}" for number in range(7)])
    assert hits(search_corpus(queries, corpus, 5, executor)) == hits(search_corpus(queries, local, 5, LocalExecutor()))
    assert hits(search_corpus(queries, corpus, 5, LocalExecutor())) == hits(search_corpus(queries, local, 5, executor))
    assert shards(tmp_path / "driver") == shards(tmp_path / "shared")
    assert sum(notes(log).values()) == 2 * len(ends), "something was encoded again"


def shards(cache: Path) -> set[str]:
    return {path.stem for path in cache.glob("vectors/*/??/*.json")}
