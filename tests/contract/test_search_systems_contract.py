"""What every kind of system owes, over the same odd inputs."""

import pytest
from toys.search import (
    Overlap,
    ToyCollection,
    WordCountEncoder,
    WordVectorsEncoder,
    dense,
    documents,
    queries,
)

from lapca_bench.encoders.fields import FieldsEncoder
from lapca_bench.errors import MissingResourceError
from lapca_bench.search.dense import DenseSystem, MarginSystem
from lapca_bench.search.fusion import FusionSystem
from lapca_bench.search.late_interaction import LateInteractionSystem
from lapca_bench.search.lexical.bm25 import BM25System
from lapca_bench.search.lexical.java import find_jar, find_java
from lapca_bench.search.pairwise import PairwiseSystem
from lapca_bench.search.rerank import RerankSystem
from lapca_bench.search.sparse import SparseSystem
from lapca_bench.search.system import System
from lapca_bench.store.forms import Sparse, TokenVectors
from lapca_bench.store.stored_encoder import StoredEncoder
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document

TEXTS = ("red car", "blue boat", "red car", "", "green tree in the wind", "boat")


def fields(folder):
    inner = dense(folder)
    encoder = FieldsEncoder(StoredEncoder(inner.encoder, inner.store), 1.0, "fields")
    return DenseSystem(encoder, inner.store)


def sparse(folder):
    return SparseSystem(WordCountEncoder(), VectorStore(folder / "vectors", Sparse(), shard_size=2))


def late(folder):
    return LateInteractionSystem(WordVectorsEncoder(), VectorStore(folder / "vectors", TokenVectors(), shard_size=2))


def bm25(folder):
    try:
        find_java()
        find_jar()
    except MissingResourceError as error:
        pytest.skip(str(error))
    return BM25System(folder / "indexes")


def bm25s(folder):
    pytest.importorskip("bm25s")
    from lapca_bench.search.registry import Workspace, build_system

    return build_system("bm25s", Workspace(folder))


def char_ngrams(folder):
    pytest.importorskip("bm25s")
    from lapca_bench.search.registry import Workspace, build_system

    return build_system("char-ngrams", Workspace(folder))


KINDS = {
    "dense": dense,
    "fields": fields,
    "sparse": sparse,
    "late interaction": late,
    "margin": lambda folder: MarginSystem(dense(folder)),
    "bm25": bm25,
    "rrf": lambda folder: FusionSystem([dense(folder), MarginSystem(dense(folder))], "rrf"),
    "interpolation": lambda folder: FusionSystem([dense(folder), bm25(folder)], "interpolation"),
    "pairwise": lambda folder: PairwiseSystem(Overlap(), "overlap"),
    "rerank": lambda folder: RerankSystem(dense(folder), PairwiseSystem(Overlap(), "overlap")),
    "rerank by vectors": lambda folder: RerankSystem(PairwiseSystem(Overlap(), "overlap"), dense(folder)),
    "rerank by terms": lambda folder: RerankSystem(late(folder), sparse(folder)),
    "rerank by token vectors": lambda folder: RerankSystem(sparse(folder), late(folder)),
    "bm25s": bm25s,
    "char-ngrams": char_ngrams,
}


@pytest.fixture(params=KINDS)
def system(request, tmp_path):
    return KINDS[request.param](tmp_path)


def test_it_is_a_system(system):
    assert isinstance(system, System)
    assert system.name
    assert system.identity.digest == system.identity.digest


def test_it_finds_what_is_asked_for(system):
    run = system.search(ToyCollection(documents(*TEXTS)), queries("green tree", "blue boat"), 3)
    assert [run.ranking(query)[0][0] for query in ("q0", "q1")] == ["d4", "d1"]
    assert all(len(run.ranking(query)) <= 3 for query in run.queries)
    assert run.notes["timings"]


def test_no_queries(system):
    run = system.search(ToyCollection(documents(*TEXTS)), [], 3)
    assert (run.queries, len(run)) == ((), 0)


def test_no_documents(system):
    run = system.search(ToyCollection([]), queries("red car"), 3)
    assert (run.queries, len(run)) == (("q0",), 0)


def test_every_query_is_in_the_run_in_order_empty_ones_too(system):
    asked = queries("", "red car", "\0 \ud800", "zzz", "((", "boat")
    run = system.search(ToyCollection(documents(*TEXTS)), asked, 3)
    assert run.queries == tuple(query.id for query in asked)


def test_more_asked_for_than_there_is(system):
    run = system.search(ToyCollection(documents(*TEXTS)), queries("red car boat"), 1000)
    found = [document for document, _ in run.ranking("q0")]
    assert len(found) == len(set(found)) <= len(TEXTS)


def test_equal_texts_are_ordered_by_id_at_the_cut_too(system):
    collection = ToyCollection(documents(*["red car"] * 9, "blue boat"))
    run = system.search(collection, queries("red car"), 4)
    assert [document for document, _ in run.ranking("q0")] == ["d8", "d7", "d6", "d5"]
    assert len({score for _, score in run.ranking("q0")}) == 1 or "fus" in system.identity.kind


def test_a_query_is_dropped_before_the_cut_where_the_collection_says_so(system):
    corpus = [Document(f"q{i}", text, language="en") for i, text in enumerate(["red car", "red boat", "red tree"])]
    dropping = system.search(ToyCollection(corpus, self_match="drop"), queries("red car", "red boat"), 2)
    assert {document for document, _ in dropping.ranking("q0")} == {"q1", "q2"}
    keeping = system.search(ToyCollection(corpus), queries("red car", "red boat"), 2)
    assert keeping.ranking("q0")[0][0] == "q0"


def test_the_same_search_twice_gives_the_same_run(system):
    collection = ToyCollection(documents(*TEXTS))
    runs = [system.search(collection, queries("red boat", "tree"), 5) for _ in range(2)]
    assert list(runs[0].rows()) == list(runs[1].rows())
