"""Learned sparse encoders against a hand computation from the model's own outputs."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from pydantic import ValidationError
from toys.checkpoints import HIDDEN, VOCABULARY, write_checkpoint

from lapca_bench.encoders.kinds.term_weights import SparseSettings, SparseTransformerEncoder
from lapca_bench.encoders.protocol import SparseEncoder
from lapca_bench.errors import InputError
from lapca_bench.types import Document

TEXTS = ["Cat", "the mat . the cat sat", "", "漢字", "zebra 42 the cat sat mat mat", "cat"]
SPECIAL = {VOCABULARY.index(token) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a_Latn", "b_Latn")}


def build(folder, **changes):
    base = {"checkpoint": str(folder), "expansion": "masked-lm", "query_max_length": 16, "document_max_length": 16}
    return SparseTransformerEncoder(SparseSettings.model_validate(base | changes), "tiny")


def token_ids(encoder, text):
    return encoder._network.tokenizer.encode([text], 16).ids[0].tolist()


def write_sparse_head(folder):
    from safetensors.numpy import save_file

    draw = np.random.default_rng(3)
    weight, bias = draw.normal(size=(1, HIDDEN)).astype(np.float32), np.float32([0.1])
    save_file({"weight": weight, "bias": bias}, folder / "sparse_linear.safetensors")
    return weight[0], bias[0]


@pytest.mark.parametrize("kind", ["bert-mlm", "xlm-roberta-mlm"])
def test_splade_equals_the_hand_computation(tmp_path, kind):
    import torch
    from transformers import AutoModelForMaskedLM

    folder = write_checkpoint(tmp_path / "m", kind)
    encoder = build(folder, batch_tokens=20)
    assert isinstance(encoder, SparseEncoder)
    rows = encoder.encode_queries(TEXTS)
    assert rows.shape == (len(TEXTS), encoder.terms) == (len(TEXTS), len(VOCABULARY))
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    for row, text in zip(rows.toarray(), TEXTS, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([token_ids(encoder, text)])).logits[0].numpy()
        expected = np.log1p(np.maximum(logits, 0)).max(axis=0)
        expected[sorted(SPECIAL)] = 0
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_token_weights_equal_the_hand_computation(tmp_path):
    import torch
    from transformers import AutoModel

    folder = write_checkpoint(tmp_path / "m", "xlm-roberta")
    weight, bias = write_sparse_head(folder)
    encoder = build(folder, expansion="tokens", head="sparse_linear.safetensors")
    documents = [Document(str(i), text) for i, text in enumerate(TEXTS)]
    rows = encoder.encode_documents(documents).toarray()
    model = AutoModel.from_pretrained(folder).eval()
    for row, text in zip(rows, TEXTS, strict=True):
        ids = token_ids(encoder, text)
        with torch.inference_mode():
            states = model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
        expected = np.zeros(len(VOCABULARY))
        for number, state in zip(ids, states, strict=True):
            if number not in SPECIAL:
                expected[number] = max(expected[number], 0, float(weight @ state + bias))
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_special_tokens_may_be_kept(tmp_path):
    folder = write_checkpoint(tmp_path / "m", "bert-mlm")
    kept, dropped = (
        build(folder, special_tokens=which).encode_queries(["cat"]).toarray()[0] for which in ("keep", "drop")
    )
    others = [i for i in range(len(VOCABULARY)) if i not in SPECIAL]
    np.testing.assert_array_equal(kept[others], dropped[others])
    assert not dropped[sorted(SPECIAL)].any()
    assert kept[sorted(SPECIAL)].any()


def test_query_weights_are_read_from_a_table_without_the_model(tmp_path, monkeypatch):
    folder = write_checkpoint(tmp_path / "m", "bert-mlm")
    (folder / "idf.json").write_text(json.dumps({"cat": 2.5, "sat": 0.5, "[CLS]": 9, "no such token": 1}))
    encoder = build(folder, query_weights="idf.json")
    monkeypatch.setattr(type(encoder._network), "run", None)
    [row, empty] = encoder.encode_queries(["cat sat cat mat", ""]).toarray()
    assert {VOCABULARY[i]: row[i] for i in np.flatnonzero(row)} == {"cat": 2.5, "sat": 0.5}
    assert not empty.any()


@pytest.mark.parametrize("content", ["[1]", "{", '{"cat": "x"}', '{"cat": NaN}'])
def test_a_damaged_table_of_query_weights_is_named(tmp_path, content):
    folder = write_checkpoint(tmp_path / "m", "bert-mlm")
    (folder / "idf.json").write_text(content)
    with pytest.raises(InputError) as raised:
        build(folder, query_weights="idf.json").encode_queries(["cat"])
    assert raised.value.path == folder / "idf.json"


def test_a_head_of_another_shape_is_refused(tmp_path):
    from safetensors.numpy import save_file

    folder = write_checkpoint(tmp_path / "m")
    save_file({"weight": np.zeros((2, HIDDEN), np.float32)}, folder / "head.safetensors")
    with pytest.raises(InputError, match=r"\(1, 16\) is due"):
        build(folder, expansion="tokens", head="head.safetensors").encode_queries(["cat"])


def test_a_checkpoint_without_its_language_modelling_head_is_refused(tmp_path):
    with pytest.raises(InputError, match="would be random"):
        build(write_checkpoint(tmp_path / "m")).encode_queries(["cat"])


def test_batches_order_and_padding_do_not_matter(tmp_path):
    folder = write_checkpoint(tmp_path / "m", "bert-mlm")
    alone = build(folder, batch_tokens=1).encode_queries(TEXTS).toarray()
    together = build(folder).encode_queries(TEXTS[::-1]).toarray()[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert build(folder).encode_queries([]).shape == (0, len(VOCABULARY))


def test_identity_follows_what_changes_a_weight(tmp_path):
    folder = write_checkpoint(tmp_path / "m", "bert-mlm")
    write_sparse_head(folder)
    (folder / "idf.json").write_text('{"cat": 2}')
    changes = [
        {},
        {"special_tokens": "keep"},
        {"query_prompt": "query: "},
        {"document_max_length": 15},
        {"query_weights": "idf.json"},
        {"expansion": "tokens", "head": "sparse_linear.safetensors"},
    ]
    digests = {build(folder, **change).identity.digest for change in changes}
    assert len(digests) == len(changes)
    assert build(folder, batch_tokens=7, vocabulary="bert-uncased").identity.digest in digests


def test_tokens_and_a_head_go_together():
    with pytest.raises(ValidationError, match="go together"):
        SparseSettings.model_validate({"checkpoint": "x", "expansion": "tokens"})
