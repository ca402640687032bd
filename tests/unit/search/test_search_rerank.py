import numpy as np
import pytest
from toys.search import Overlap, ToyCollection, dense, documents, queries

from lapca_bench.errors import EncoderError
from lapca_bench.search.pairwise import PairwiseSystem
from lapca_bench.search.rerank import RerankSystem, Rescorer

TEXTS = ("red car", "blue boat", "red car", "", "green tree in the wind", "boat")


def overlap(scorer=None):
    return PairwiseSystem(scorer or Overlap(), "overlap")


def test_a_scorer_that_returns_too_few_scores_is_named(tmp_path):
    class Short(Overlap):
        def score(self, query, documents):
            return [1.0]

    with pytest.raises(EncoderError, match="1 scores for 6 documents"):
        RerankSystem(dense(tmp_path), overlap(Short())).search(ToyCollection(documents(*TEXTS)), queries("red"), 3)


def test_reranking_looks_no_deeper_than_its_depth(tmp_path):
    system = RerankSystem(dense(tmp_path), overlap(), depth=2)
    run = system.search(ToyCollection(documents(*TEXTS)), queries("red car"), 5)
    assert [document for document, _ in run.ranking("q0")] == ["d2", "d0"]
    assert np.array_equal(run.scores, [2, 2])
    assert system.name == "toy+rerank2-overlap"


def test_vectors_give_the_documents_of_another_system_the_scores_that_they_give_alone(tmp_path):
    collection, asked = ToyCollection(documents(*TEXTS)), queries("boat car", "tree")
    second = dense(tmp_path)
    assert isinstance(second, Rescorer)
    alone = second.search(collection, asked, len(TEXTS))
    run = RerankSystem(overlap(), second, depth=3).search(collection, asked, 10)
    for query in run.queries:
        own = dict(alone.ranking(query))
        assert len(run.ranking(query)) == 3
        assert all(own[document] == score for document, score in run.ranking(query))
    assert run.notes["encoded"] == 0
    assert set(run.notes["parts"]) == {"overlap", "toy"}


def test_identity_follows_stages_and_depth(tmp_path):
    one = dense(tmp_path)
    systems = [
        RerankSystem(one, overlap()),
        RerankSystem(overlap(), one),
        RerankSystem(one, overlap(), depth=5),
    ]
    assert len({system.identity.digest for system in systems}) == 3
