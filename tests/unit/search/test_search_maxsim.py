"""MaxSim in blocks against the formula, and what the store keeps of sparse rows and token vectors."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from toys.search import ToyCollection, WordCountEncoder, WordVectorsEncoder, documents, queries

from lapca_bench.errors import EncoderError
from lapca_bench.search.exact.maxsim import pair_scores, top_k
from lapca_bench.search.late_interaction import LateInteractionSystem
from lapca_bench.search.sparse import SparseSystem
from lapca_bench.store.forms import Sparse, TokenVectors
from lapca_bench.store.vectors import VectorStore

WIDTH = 6


def matrices(count, seed, longest=7):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(draw.integers(0, longest), WIDTH)).astype(np.float32) for _ in range(count)]


def in_shards(texts, size):
    for start in range(0, len(texts), size):
        part = texts[start : start + size]
        yield np.concatenate(part), np.array([len(one) for one in part])


def by_formula(query, document):
    return np.float32((query.astype(np.float64) @ document.astype(np.float64).T).max(axis=1).sum())


@pytest.mark.parametrize(("k", "shard", "block"), [(3, 40, 16), (3, 7, 1), (100, 5, 1000), (1, 1, 4)])
def test_the_best_are_those_of_the_formula(k, shard, block):
    asked, texts = matrices(9, 0), matrices(40, 1)
    texts[7] = texts[31] = texts[3]  # equal documents, in different blocks
    hits = top_k(asked, in_shards(texts, shard), WIDTH, k, np.arange(len(texts)), block)
    for number, query in enumerate(asked):
        found = hits.queries == number
        expected = [(by_formula(query, text), row) for row, text in enumerate(texts) if len(text) and len(query)]
        expected.sort(reverse=True)
        assert list(zip(hits.scores[found], hits.rows[found], strict=True)) == expected[:k]


def test_pairs_have_the_scores_that_the_search_gives_them():
    asked, texts = matrices(5, 2), matrices(20, 3)
    hits = top_k(asked, in_shards(texts, 6), WIDTH, 20, np.arange(20))
    scores = pair_scores(asked, in_shards(texts, 6), WIDTH, hits.queries, hits.rows)
    np.testing.assert_array_equal(scores, hits.scores)
    empty = [i for i, text in enumerate(texts) if not len(text)]
    assert pair_scores(asked, in_shards(texts, 6), WIDTH, np.array([0]), np.array(empty[:1])) == [0]


@pytest.mark.parametrize(
    ("kind", "encoder", "form"),
    [(SparseSystem, WordCountEncoder, Sparse()), (LateInteractionSystem, WordVectorsEncoder, TokenVectors())],
)
def test_texts_are_encoded_once_and_shards_do_not_change_a_score(tmp_path, kind, encoder, form):
    corpus = ToyCollection(documents(*[f"word{i % 5} word{i % 3} tree{i}" for i in range(20)], "", "tree"))
    asked = queries("word1 tree", "", "word2 word4", language="de")
    runs = [
        kind(encoder(), VectorStore(tmp_path / str(size), form, shard_size=size)).search(corpus, asked, 10)
        for size in (3, 500)
    ]
    assert list(runs[0].rows()) == list(runs[1].rows())
    again = kind(encoder(), VectorStore(tmp_path / "3", form, shard_size=3)).search(corpus, asked, 10)
    assert (runs[0].notes["encoded"], again.notes["encoded"], again.notes["reused"]) == (25, 0, 25)
    assert runs[0].notes["index_bytes"] > 0
    assert runs[0].notes["first_texts"] == {"query": "word1 tree", "document": "word0 word0 tree0"}


def test_a_sparse_score_is_the_dot_product(tmp_path):
    system = SparseSystem(WordCountEncoder(), VectorStore(tmp_path, Sparse()))
    run = system.search(ToyCollection(documents("a a b", "b c", "d")), queries("a b b"), 5)
    assert run.ranking("q0") == [("d0", 4.0), ("d1", 2.0)]
    assert run.notes["terms_per_query"] == 2


@pytest.mark.parametrize(
    ("form", "encoder", "returned", "message"),
    [
        (Sparse(), WordCountEncoder, np.zeros((1, 997)), "expected a sparse array"),
        (Sparse(), WordCountEncoder, csr_array((2, 997)), r"shape \(2, 997\) for 1 texts"),
        (Sparse(), WordCountEncoder, csr_array(([np.nan], ([0], [3])), shape=(1, 997)), "NaN or infinity"),
        (TokenVectors(), WordVectorsEncoder, [], "returned 0 arrays for 1 texts"),
        (TokenVectors(), WordVectorsEncoder, [np.zeros((2, 3), np.float32)], r"an array of shape \(2, 3\)"),
        (TokenVectors(), WordVectorsEncoder, [np.full((2, 16), np.inf, np.float32)], "cannot hold"),
    ],
)
def test_unusable_output_is_named(tmp_path, form, encoder, returned, message):
    class Broken(encoder):
        def encode_documents(self, documents, *, language=None):
            return returned

    with pytest.raises(EncoderError, match=message):
        VectorStore(tmp_path, form).documents(Broken(), documents("one"))
