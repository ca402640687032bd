"""Documents that are their whole and their title: by hand, and what stays as it is."""

import numpy as np
import pytest
from toys.search import ToyCollection, WordHashEncoder, queries

from lapca_bench.encoders.fields import FieldsEncoder
from lapca_bench.search.dense import DenseSystem
from lapca_bench.store.stored_encoder import StoredEncoder
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document


class DotEncoder(WordHashEncoder):
    """The same sums, scored as they are."""

    similarity = "dot"


def test_the_sum_by_hand():
    inner = WordHashEncoder()
    whole, title, query = inner.encode_queries(["red car on a road", "red car", "red car"])
    (found,) = FieldsEncoder(inner, 2.0, "f").encode_documents([Document("a", "on a road", "red car")])
    by_hand = whole + 2 * title
    np.testing.assert_allclose(found, by_hand / np.linalg.norm(by_hand), rtol=1e-5)
    assert found @ query > whole @ query
    (plain,) = FieldsEncoder(DotEncoder(), 2.0, "f").encode_documents([Document("a", "on a road", "red car")])
    np.testing.assert_allclose(plain, by_hand / 3, rtol=1e-5)


@pytest.mark.parametrize("document", [Document("a", "red car"), Document("a", "", "red car"), Document("a", "")])
def test_a_document_of_one_field_is_as_ever(document):
    inner = WordHashEncoder()
    fields = FieldsEncoder(inner, 1.0, "f")
    np.testing.assert_array_equal(fields.encode_documents([document]), inner.encode_documents([document]))
    assert fields.encode_documents([document, document]).shape == (2, inner.dimension)
    np.testing.assert_array_equal(fields.encode_queries(["red car"]), inner.encode_queries(["red car"]))


def test_the_weight_and_the_encoder_are_its_identity():
    one = FieldsEncoder(WordHashEncoder(), 1.0, "f").identity.digest
    assert one != FieldsEncoder(WordHashEncoder(), 2.0, "f").identity.digest
    assert one != FieldsEncoder(WordHashEncoder(salt=1), 1.0, "f").identity.digest


def test_titles_tell_sentences_of_one_paragraph_apart(tmp_path):
    """Both documents have the same text; their titles say which sentence is meant. Another weight encodes no text."""
    sentences = ("the red car is fast.", "the blue boat is slow.")
    candidates = ToyCollection([Document(f"d{i}", " ".join(sentences), one) for i, one in enumerate(sentences)])
    asked = queries("red car", "blue boat")
    store, inner = VectorStore(tmp_path, shard_size=2), WordHashEncoder()

    def search(weight):
        encoder = FieldsEncoder(StoredEncoder(inner, store), weight, "f")
        return DenseSystem(encoder, store).search(candidates, asked, 2)

    run = search(1.0)
    assert [run.ranking(query.id)[0][0] for query in asked] == ["d0", "d1"]
    before = list(inner.encoded)
    search(3.0)
    assert inner.encoded == before
