"""Multi-vector encoders against a hand computation from the model's own outputs."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import HIDDEN, VOCABULARY, ids_of, write_checkpoint, write_head

from lapca_bench.encoders.kinds.token_vectors import LateInteractionSettings, TokenVectorEncoder
from lapca_bench.encoders.protocol import MultiVectorEncoder
from lapca_bench.errors import InputError, UsageError
from lapca_bench.types import Document

TEXTS = ["Cat", "the mat . the cat sat", "", "漢字", "zebra 42 the cat sat mat mat", "cat"]
CLS, SEP, MASK = (VOCABULARY.index(token) for token in ("[CLS]", "[SEP]", "[MASK]"))


def build(folder, **changes):
    base = {"checkpoint": str(folder), "query_max_length": 16, "document_max_length": 16}
    return TokenVectorEncoder(LateInteractionSettings.model_validate(base | changes), "tiny")


def states(folder, ids, attended=None, **further):
    import torch
    from transformers import AutoModel

    mask = torch.ones((1, len(ids)), dtype=torch.int64)
    if attended is not None:
        mask[:, attended:] = 0
    model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), attention_mask=mask, **further).last_hidden_state[0].numpy()


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_token_vectors_of_any_transformer(tmp_path):
    folder = write_checkpoint(tmp_path / "m", "xlm-roberta")
    encoder = build(folder, batch_tokens=20)
    assert isinstance(encoder, MultiVectorEncoder)
    for text, vectors in zip(TEXTS, encoder.encode_queries(TEXTS), strict=True):
        ids = encoder._network.tokenizer.encode([text], 16).ids[0].tolist()
        assert vectors.shape == (len(ids), HIDDEN)
        np.testing.assert_allclose(vectors, unit(states(folder, ids)), atol=1e-5)


def test_colbert_marks_projects_fills_queries_and_skips_punctuation(tmp_path):
    folder = write_checkpoint(tmp_path / "m")
    weight, _ = write_head(folder / "linear.safetensors", bias=False)
    encoder = build(
        folder,
        projection="linear.safetensors",
        query_marker="a_Latn",
        document_marker="b_Latn",
        query_fill="[MASK]",
        query_max_length=8,
        skip_punctuation=True,
    )
    assert encoder.dimension == 8
    [query] = encoder.encode_queries(["cat sat"])
    ids = [CLS, *ids_of("a_Latn", "cat", "sat"), SEP, MASK, MASK, MASK]
    np.testing.assert_allclose(query, unit(states(folder, ids, attended=5) @ weight.T), atol=1e-5)
    attended = build(folder, query_marker="a_Latn", query_fill="[MASK]", query_max_length=8, query_fill_attended=True)
    np.testing.assert_allclose(attended.encode_queries(["cat sat"])[0], unit(states(folder, ids)), atol=1e-5)
    [document] = encoder.encode_documents([Document("1", "cat . sat")])
    ids = [CLS, *ids_of("b_Latn", "cat", ".", "sat"), SEP]
    np.testing.assert_allclose(document, np.delete(unit(states(folder, ids) @ weight.T), 3, axis=0), atol=1e-5)
    [long] = encoder.encode_queries(["cat " * 50])
    assert len(long) == 8


def test_special_tokens_may_be_left_out(tmp_path):
    encoder = build(write_checkpoint(tmp_path / "m"), special_tokens="drop")
    assert [len(one) for one in encoder.encode_queries(["cat sat", ""])] == [2, 0]
    assert len(encoder.encode_documents([Document("1", "cat sat mat")])[0]) == 3


def test_the_language_of_a_text_chooses_its_adapter(tmp_path):
    import torch

    folder = write_checkpoint(tmp_path / "m", "xmod")
    encoder = build(folder, adapters={"de": "de_DE", "en": "en_XX"}, default_adapter="en_XX")
    documents = [Document("1", "cat sat", language=language) for language in ("de", "en", "fr")]
    ids = [CLS, *ids_of("cat", "sat"), SEP]
    for vectors, adapter in zip(encoder.encode_documents(documents), (1, 0, 0), strict=True):
        expected = states(folder, ids, lang_ids=torch.tensor([adapter]))
        np.testing.assert_allclose(vectors, unit(expected), atol=1e-5)
    assert not np.allclose(encoder.encode_queries(["cat"], language="de")[0], encoder.encode_queries(["cat"])[0])
    with pytest.raises(InputError, match="no language adapter 'xx_XX'"):
        build(folder, adapters={}, default_adapter="xx_XX").encode_queries(["cat"])


def test_a_marker_that_the_tokenizer_lacks_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no token '\[Q\]'"):
        build(write_checkpoint(tmp_path / "m"), query_marker="[Q]").encode_queries(["cat"])


def test_batches_order_and_padding_do_not_matter(tmp_path):
    folder = write_checkpoint(tmp_path / "m")
    alone = build(folder, batch_tokens=1).encode_queries(TEXTS)
    together = build(folder).encode_queries(TEXTS[::-1])[::-1]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert build(folder).encode_queries([]) == []


def test_identity_follows_what_changes_a_vector(tmp_path):
    folder = write_checkpoint(tmp_path / "m")
    write_head(folder / "linear.safetensors")
    changes = [
        {},
        {"projection": "linear.safetensors"},
        {"query_marker": "a_Latn"},
        {"document_marker": "a_Latn"},
        {"query_fill": "[MASK]"},
        {"query_fill": "[MASK]", "query_fill_attended": True},
        {"skip_punctuation": True},
        {"special_tokens": "drop"},
        {"document_prompt": "passage: "},
    ]
    assert len({build(folder, **change).identity.digest for change in changes}) == len(changes)


def test_x_mod_takes_fewer_tokens_than_it_has_positions(tmp_path):
    """Its positions count from the padding id + 1, as RoBERTa's do."""
    folder = write_checkpoint(tmp_path / "m", "xmod")  # 33 positions, padding id 0: position 0 holds no token
    adapters = {"adapters": {}, "default_adapter": "en_XX"}
    [longest] = build(folder, query_max_length=32, **adapters).encode_queries(["cat " * 99])
    assert len(longest) == 32
    with pytest.raises(UsageError, match="asked for 33 tokens"):
        build(folder, query_max_length=33, **adapters)
