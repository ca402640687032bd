import numpy as np
import pytest
from toys.search import WordHashEncoder, documents, queries

from lapca_bench.errors import EncoderError, InputError, StoreError
from lapca_bench.store.forms import Dense
from lapca_bench.store.shard import vector_file
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document

TEXTS = [f"text number {i}" for i in range(10)]


def test_documents_are_encoded_once_and_come_back_in_order(tmp_path):
    encoder, store = WordHashEncoder(), VectorStore(tmp_path, shard_size=4)
    first = store.documents(encoder, documents(*TEXTS))
    again = store.documents(encoder, documents(*TEXTS))
    assert [manifest.rows for manifest in first.manifests] == [4, 4, 2]
    assert (first.tally.encoded, first.tally.reused) == (10, 0)
    assert (again.tally.encoded, again.tally.reused) == (0, 10)
    assert len(encoder.encoded) == 10
    assert again.ids.to_pylist() == [f"d{i}" for i in range(10)]
    np.testing.assert_array_equal(np.concatenate(again.matrices()), WordHashEncoder().encode_queries(TEXTS))


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    store = VectorStore(tmp_path, shard_size=3)
    dying = WordHashEncoder(fails_at=8)
    with pytest.raises(KeyboardInterrupt):
        store.documents(dying, documents(*TEXTS))
    assert dying.encoded == TEXTS[:6]
    assert not list(tmp_path.rglob("*.tmp"))
    revived = WordHashEncoder()
    corpus = store.documents(revived, documents(*TEXTS))
    assert revived.encoded == TEXTS[6:]
    assert (corpus.tally.encoded, corpus.tally.reused, len(corpus)) == (4, 6, 10)


def test_a_pool_of_languages_shares_shards_with_each_language(tmp_path):
    encoder, store = WordHashEncoder(), VectorStore(tmp_path, shard_size=4)
    german = [Document(f"de{i}", text, language="de") for i, text in enumerate(TEXTS[:5])]
    english = [Document(f"en{i}", text, language="en") for i, text in enumerate(TEXTS[5:])]
    store.documents(encoder, german)
    pool = store.documents(encoder, german + english)
    assert (pool.tally.encoded, pool.tally.reused) == (5, 5)
    assert pool.languages == [("de", 4), ("de", 1), ("en", 4), ("en", 1)]


def test_whatever_changes_a_vector_changes_the_address(tmp_path):
    corpus = documents("one", "two")
    store = VectorStore(tmp_path)
    store.documents(WordHashEncoder(), corpus)
    for encoder, root, texts in [
        (WordHashEncoder(salt=1), store, corpus),
        (WordHashEncoder(), VectorStore(tmp_path, Dense("float16")), corpus),
        (WordHashEncoder(), store, documents("one", "two", language="de")),
        (WordHashEncoder(), store, documents("two", "one")),
        (WordHashEncoder(), store, [Document("d0", "", title="one"), Document("d1", "two")]),
    ]:
        assert root.documents(encoder, texts).tally.reused == 0
    renamed = [Document(f"other-{document.id}", document.text, language="en") for document in corpus]
    assert store.documents(WordHashEncoder("other name"), renamed).tally.reused == 2


def test_queries_keep_their_order_across_languages(tmp_path):
    mixed = [*queries("a b", language="de"), *queries("c", language="en"), *queries("d e", language="de")]
    vectors = VectorStore(tmp_path).queries(WordHashEncoder(), mixed)
    np.testing.assert_array_equal(vectors, WordHashEncoder().encode_queries([query.text for query in mixed]))


def test_no_queries_and_no_documents(tmp_path):
    store = VectorStore(tmp_path)
    assert store.queries(WordHashEncoder(), []).shape == (0, 16)
    corpus = store.documents(WordHashEncoder(), [])
    assert (len(corpus), list(corpus.matrices()), corpus.ids.to_pylist()) == (0, [], [])


def test_a_flipped_byte_is_found_and_its_shard_named(tmp_path):
    store = VectorStore(tmp_path, shard_size=4)
    damaged = store.documents(WordHashEncoder(), documents(*TEXTS)).manifests[1]
    path = vector_file(next(tmp_path.iterdir()), damaged.address)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    corpus = store.documents(WordHashEncoder(), documents(*TEXTS))
    with pytest.raises(StoreError, match="does not match its digest") as raised:
        list(corpus.matrices())
    assert raised.value.path == path
    assert "cache verify --repair" in raised.value.remedy


def test_float16_stores_half_the_bytes_and_refuses_what_it_cannot_hold(tmp_path):
    corpus = VectorStore(tmp_path, Dense("float16")).documents(WordHashEncoder(), documents("one"))
    assert corpus.matrices()[0].dtype == np.float16

    class Large(WordHashEncoder):
        similarity = "dot"

        def _vector(self, text):
            return np.full(16, 1e6, np.float32)

    with pytest.raises(EncoderError, match="float16 cannot hold"):
        VectorStore(tmp_path, Dense("float16")).documents(Large("large", salt=9), documents("one"))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros((1, 16), np.float32), "expected shape"),
        (np.zeros((2, 3), np.float32), "expected shape"),
        (np.zeros((2, 16)), "returned float64"),
        ([[0.0] * 16] * 2, "returned list"),
        (np.full((2, 16), np.nan, np.float32), "NaN or infinity for 2 of 2 texts"),
        (np.full((2, 16), 3, np.float32), "row of length 12"),
    ],
)
def test_unusable_vectors_are_refused_and_not_stored(tmp_path, returned, message):
    class Broken(WordHashEncoder):
        def encode_documents(self, documents, *, language=None):
            return returned

    with pytest.raises(EncoderError, match=message):
        VectorStore(tmp_path).documents(Broken(), documents("one", "two"))
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("ids", "message"),
    [(("a", "a"), "'a' 2 times"), (("", "a"), "empty id"), (("\ud800", "a"), "not valid Unicode")],
)
def test_bad_document_ids_are_refused(tmp_path, ids, message):
    corpus = [Document(identifier, f"text {i}") for i, identifier in enumerate(ids)]
    with pytest.raises(InputError, match=message):
        VectorStore(tmp_path).documents(WordHashEncoder(), corpus)


def test_an_executor_that_takes_pieces_ahead_gives_the_same_corpus(tmp_path):
    class Eager:
        def map(self, task, shards):
            return iter([task(shard) for shard in shards])

    corpus = VectorStore(tmp_path, shard_size=3).documents(WordHashEncoder(), documents(*TEXTS), Eager())
    assert [len(ids) for ids, _ in corpus.shards()] == [3, 3, 3, 1]
    assert corpus.ids.to_pylist() == [f"d{i}" for i in range(10)]
