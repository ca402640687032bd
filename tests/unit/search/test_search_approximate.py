"""Approximate search: its recall against exact search is measured, its scores are exact, its index is kept."""

from __future__ import annotations

import pytest

pytest.importorskip("faiss", reason="needs the extra lapca-bench[faiss]")

from toys.search import ToyCollection, WordHashEncoder, documents, queries

from lapca_bench.errors import StoreError, UsageError
from lapca_bench.search.approximation.approximate import ApproximateSystem
from lapca_bench.search.dense import DenseSystem
from lapca_bench.store import cache
from lapca_bench.store.vectors import VectorStore

COLLECTION = ToyCollection(documents(*(f"word{number} word{number % 17} car" for number in range(400))))
ASKED = queries(*(f"word{number} car" for number in range(30)))


def system(tmp_path, index="IVF8,Flat", probe=8):
    dense = DenseSystem(WordHashEncoder(), VectorStore(tmp_path / "vectors", shard_size=64))
    return ApproximateSystem(dense, index, probe, tmp_path / "faiss", "toy+ivf")


def test_an_index_that_visits_everything_is_exact_search(tmp_path):
    run = system(tmp_path).search(COLLECTION, ASKED, 10)
    exact = system(tmp_path).dense.search(COLLECTION, ASKED, 10)
    for query in run.queries:
        assert [score for _, score in run.ranking(query)] == [score for _, score in exact.ranking(query)]
    assert run.notes["recall"]["recall"] > 0.98  # what is missing are ties on the cut, which faiss breaks its own way
    assert (run.notes["recall"]["at"], run.notes["recall"]["queries"]) == (10, len(ASKED))


def test_recall_is_what_was_found_and_the_index_is_made_once(tmp_path):
    approximate = system(tmp_path, probe=1)
    run = approximate.search(COLLECTION, ASKED, 10)
    exact = approximate.dense.search(COLLECTION, ASKED, 10)
    found = [
        len({document for document, _ in run.ranking(query)} & {document for document, _ in exact.ranking(query)})
        for query in run.queries
    ]
    assert run.notes["recall"]["recall"] == pytest.approx(sum(found) / (10 * len(ASKED)), abs=1e-4)
    assert run.notes["recall"]["recall"] < 1
    kept = sorted((tmp_path / "faiss").glob("*/index.faiss"))
    times = [path.stat().st_mtime_ns for path in kept]
    system(tmp_path, probe=2).search(COLLECTION, ASKED, 10)
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "faiss").glob("*/index.faiss"))] == times
    assert len(times) == 1


def test_a_damaged_index_is_named_removed_on_request_and_made_again(tmp_path):
    run = system(tmp_path).search(COLLECTION, ASKED, 10)
    (file,) = (tmp_path / "faiss").glob("*/index.faiss")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"does not match its digests: index\.faiss") as caught:
        system(tmp_path).search(COLLECTION, ASKED, 10)
    assert str(file.parent) in str(caught.value)
    assert [found.path for found in cache.verify(tmp_path, repair=True)] == [file.parent]
    assert list(system(tmp_path).search(COLLECTION, ASKED, 10).rows()) == list(run.rows())


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("IVF8,Nonsense", "could not parse"),
        ("Flat", "no parameter nprobe"),
        ("HNSW0", r"ends the process \(SIGABRT\)"),
        ("HNSW1", r"ends the process \(SIGSEGV\)"),
        ("IVF4_HNSW0,Flat", "ends the process"),
        ("RQ0x8", "ends the process"),
        ("IVF100000,Flat", r"Number of training points \(400\)"),
        ("IVF0,Flat", "nprobe"),
        ("PQ7", "should be a multiple"),
        ("", "could not parse"),
    ],
)
def test_an_index_that_cannot_be_is_refused(tmp_path, index, message):
    with pytest.raises(UsageError, match=message):
        system(tmp_path, index).search(COLLECTION, ASKED, 10)


def test_what_is_visited_is_part_of_the_identity(tmp_path):
    assert system(tmp_path, probe=1).identity.digest != system(tmp_path, probe=2).identity.digest
