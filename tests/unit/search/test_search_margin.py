import numpy as np
import pytest
from toys.search import ToyCollection, WordHashEncoder, documents, queries

from lapca_bench.search.dense import DenseSystem, MarginSystem
from lapca_bench.store.vectors import VectorStore

TEXTS = ("red car", "red red car", "blue boat", "green tree", "car boat", "tree")
ASKED = ("red car", "boat", "green", "tree car", "blue")


def margin(tmp_path, neighbours, encoder=None):
    return MarginSystem(DenseSystem(encoder or WordHashEncoder(), VectorStore(tmp_path, shard_size=2)), neighbours)


@pytest.mark.parametrize("neighbours", [1, 3, 4, 50])
def test_it_is_the_ratio_of_the_paper(tmp_path, neighbours):
    run = margin(tmp_path, neighbours).search(ToyCollection(documents(*TEXTS)), queries(*ASKED), len(TEXTS))
    encoder = WordHashEncoder()
    cosines = encoder.encode_queries(ASKED).astype(np.float64) @ encoder.encode_queries(TEXTS).T.astype(np.float64)
    of_query = np.sort(cosines, axis=1)[:, ::-1][:, :neighbours].mean(axis=1)
    of_document = np.sort(cosines, axis=0)[::-1][:neighbours].mean(axis=0)
    expected = cosines / ((of_query[:, None] + of_document[None, :]) / 2)
    for i in range(len(ASKED)):
        found = dict(run.ranking(f"q{i}"))
        assert found == pytest.approx({f"d{j}": expected[i, j] for j in range(len(TEXTS))}, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("texts", "asked"), [((), ASKED), (TEXTS, ()), ((), ())])
def test_an_empty_side_gives_an_empty_run(tmp_path, texts, asked):
    run = margin(tmp_path, 4).search(ToyCollection(documents(*texts)), queries(*asked), 10)
    assert (len(run), len(run.queries)) == (0, len(asked))


def test_texts_without_a_known_word_score_zero(tmp_path):
    run = margin(tmp_path, 2).search(ToyCollection(documents("", "…")), queries("", "?"), 10)
    assert {score for _, _, score, _ in run.rows()} == {0.0}


def test_a_query_may_not_find_itself_where_the_collection_says_so(tmp_path):
    collection = ToyCollection([type(d)(f"q{i}", d.text) for i, d in enumerate(documents(*TEXTS))], self_match="drop")
    run = margin(tmp_path, 1).search(collection, queries(*TEXTS), 1)
    assert len(run) == len(TEXTS)
    assert all(query != document for query, document, _, _ in run.rows())
