from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lapca_bench.encoders import build
from lapca_bench.errors import EncoderError, InputError, MissingResourceError, UsageError
from lapca_bench.types import Document

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import HIDDEN, VOCABULARY, settings, write_checkpoint, write_head

TEXTS = ["Cat", "the mat . the cat sat", "", "漢字", "zebra 42 the cat sat mat mat", "cat"]
SEP = VOCABULARY.index("[SEP]")


def hidden_states(folder: Path, ids: list[int]) -> np.ndarray:
    """Token vectors of one text by itself, straight from transformers."""
    import torch
    from transformers import AutoModel
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    kind = json.loads((folder / "config.json").read_text())["model_type"]
    model = (M2M100Encoder if kind == "m2m_100" else AutoModel).from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()


def unit(row: np.ndarray) -> np.ndarray:
    return row / np.linalg.norm(row)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "xlm-roberta-mlm", "mpnet", "gte"])
def test_every_architecture_and_pooling_equals_the_hand_computation(tmp_path: Path, kind: str) -> None:
    folder = write_checkpoint(tmp_path / kind, kind)
    states = []
    for pooling in ("cls", "mean", "last"):
        encoder = build(settings(folder, pooling=pooling, query_prompt="query: ", batch_tokens=24), "tiny")
        vectors = encoder.encode_queries(TEXTS)
        assert vectors.shape == (len(TEXTS), HIDDEN) == (len(TEXTS), encoder.dimension)
        assert vectors.dtype == np.float32
        shown = [encoder.shown_query(text) for text in TEXTS]
        states = states or [hidden_states(folder, ids.tolist()) for ids in encoder.tokenise(shown, 16).ids]
        pick = {"cls": lambda rows: rows[0], "mean": lambda rows: rows.mean(axis=0), "last": lambda rows: rows[-1]}
        np.testing.assert_allclose(vectors, [unit(pick[pooling](rows)) for rows in states], atol=1e-5)


def test_a_dense_head_is_applied_before_normalisation(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "labse")
    weight, bias = write_head(folder / "2_Dense/model.safetensors")
    head = {"path": "2_Dense/model.safetensors", "activation": "tanh"}
    encoder = build(settings(folder, pooling="cls", head=head), "tiny-labse")
    assert encoder.dimension == 8
    [vector] = encoder.encode_queries(["Cat sat"])
    states = hidden_states(folder, encoder.tokenise(["Cat sat"], 16).ids[0].tolist())
    np.testing.assert_allclose(vector, unit(np.tanh(weight @ states[0] + bias)), atol=1e-5)


def test_two_towers_encode_their_own_side(tmp_path: Path) -> None:
    passages, questions = write_checkpoint(tmp_path / "p", seed=0), write_checkpoint(tmp_path / "q", seed=5)
    changes = {"similarity": "dot", "normalise": False}
    split = build(settings(passages, query_checkpoint=str(questions), **changes), "split")
    only_p, only_q = (
        build(settings(passages, **changes), "p"),
        build(settings(questions, **changes), "q"),
    )
    document = Document("1", "the cat", "Cat")
    np.testing.assert_array_equal(split.encode_queries(["cat"]), only_q.encode_queries(["cat"]))
    np.testing.assert_array_equal(split.encode_documents([document]), only_p.encode_documents([document]))
    assert not np.allclose(split.encode_queries(["cat"]), only_p.encode_queries(["cat"]))
    assert split.similarity == "dot"


def test_language_tokens_open_the_text_and_the_end_token_closes_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "sonar", "m2m100")
    tokens = {"aa": "a_Latn", "bb": "b_Latn"}
    encoder = build(settings(folder, architecture="m2m100-encoder", language_tokens=tokens), "tiny-sonar")
    documents = [Document("1", "cat sat", language="aa"), Document("2", "cat sat", language="bb")]
    vectors = encoder.encode_documents(documents)
    for vector, opening in zip(vectors, ("a_Latn", "b_Latn"), strict=True):
        ids = [VOCABULARY.index(opening), VOCABULARY.index("cat"), VOCABULARY.index("sat"), SEP]
        np.testing.assert_allclose(vector, unit(hidden_states(folder, ids).mean(axis=0)), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_queries(["cat sat"], language="bb")[0], vectors[1], atol=1e-5)
    with pytest.raises(UsageError, match="does not know 'cc'"):
        encoder.encode_queries(["cat"], language="cc")
    with pytest.raises(UsageError, match="needs the language"):
        encoder.encode_queries(["cat"])


def test_prompts_and_titles(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    encoder = build(settings(folder, query_prompt="query: ", document_prompt="passage: ", title_separator=" . "), "m")
    document = Document("1", "sat " * 30, "Cat")
    assert encoder.shown_query("mat") == "query: mat"
    assert encoder.shown_document(document).startswith("passage: Cat . sat sat")


def test_batches_order_and_padding_change_rounding_only(tmp_path: Path) -> None:
    """Tolerance: cosine at least 1 - 1e-6 between any two batch plans."""
    folder = write_checkpoint(tmp_path / "m", "xlm-roberta")
    reference = build(settings(folder, batch_tokens=1), "m").encode_queries(TEXTS)
    for budget in (7, 40, 10_000):
        encoder = build(settings(folder, batch_tokens=budget), "m")
        assert (np.sum(encoder.encode_queries(TEXTS) * reference, axis=1) >= 1 - 1e-6).all()
        assert (np.sum(encoder.encode_queries(TEXTS[::-1])[::-1] * reference, axis=1) >= 1 - 1e-6).all()


def test_a_length_that_the_model_cannot_take_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "x", "xlm-roberta")  # 33 positions, padding id 0: 32 tokens
    build(settings(folder, document_max_length=32), "x").encode_documents([Document("1", "cat " * 50)])
    with pytest.raises(UsageError, match="asked for 33 tokens, but x takes 32"):
        build(settings(folder, document_max_length=33), "x")


def test_incomplete_weights_are_refused_instead_of_filled_with_random_numbers(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = write_checkpoint(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="would be random"):
        build(settings(folder), "m").encode_queries(["cat"])


def test_weights_that_another_machine_lacks_are_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bert", "bert")
    encoder = build(settings(folder), "tiny")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(MissingResourceError, match="not on this machine") as raised:
        encoder.encode_queries(TEXTS)
    assert raised.value.path == folder
    assert "systems check tiny" in str(raised.value)


def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickled weights are not loaded"):
        _ = build(settings(folder), "m").identity
    with pytest.raises(InputError, match="transformers cannot load it"):
        build(settings(folder), "m").encode_queries(["cat"])


def test_remote_code_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "new", "auto_map": {"AutoConfig": "code.New", "AutoModel": "code.New"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text("raise SystemExit('executed')")
    with pytest.raises(InputError, match="transformers cannot load it"):
        build(settings(folder), "m").encode_queries(["cat"])


def test_truncated_and_absent_checkpoints(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="transformers cannot load it"):
        build(settings(folder), "m").encode_queries(["cat"])
    with pytest.raises(MissingResourceError, match="no checkpoint here"):
        build(settings(tmp_path / "absent"), "m")
    (folder / "config.json").write_text("[1]")
    with pytest.raises(InputError, match="names no model_type"):
        build(settings(folder), "m")


def test_lack_of_memory_halves_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lapca_bench.encoders.kinds import transformer

    folder = write_checkpoint(tmp_path / "m")
    expected = build(settings(folder), "m").encode_queries(TEXTS)
    original = transformer.Tower._forward
    sizes: list[int] = []

    def small_machine(self: Any, tokens: Any, rows: Any) -> Any:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return original(self, tokens, rows)

    monkeypatch.setattr(transformer.Tower, "_forward", small_machine)
    np.testing.assert_allclose(build(settings(folder), "m").encode_queries(TEXTS), expected, atol=1e-6)
    assert max(sizes) == len(TEXTS)
    monkeypatch.setattr(transformer.Tower, "_forward", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(EncoderError, match="single text"):
        build(settings(folder), "m").encode_queries(TEXTS)


CHANGES = [
    {"pooling": "cls"},
    {"query_prompt": "query: "},
    {"document_prompt": "passage: "},
    {"query_max_length": 15},
    {"document_max_length": 15},
    {"title_separator": " . "},
    {"similarity": "dot"},
    {"similarity": "dot", "normalise": False},
    {"dtype": "bfloat16"},
    {"head": {"path": "2_Dense/model.safetensors", "activation": "tanh"}},
    {"head": {"path": "2_Dense/model.safetensors", "activation": "identity"}},
]


def test_the_identity_changes_with_whatever_changes_a_vector_and_with_nothing_else(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    write_head(folder / "2_Dense/model.safetensors")
    base = build(settings(folder), "base").identity.digest
    seen = {base}
    for change in CHANGES:
        digest = build(settings(folder, **change), "base").identity.digest
        assert digest not in seen, change
        seen.add(digest)
    other_weights = write_checkpoint(tmp_path / "b", seed=1)
    other_tokenizer = write_checkpoint(tmp_path / "c", lower=True)
    split = settings(folder, query_checkpoint=str(other_weights))
    for one in (settings(other_weights), settings(other_tokenizer), split):
        digest = build(one, "base").identity.digest
        assert digest not in seen
        seen.add(digest)
    same = write_checkpoint(tmp_path / "d")
    unchanged = [
        settings(same),
        settings(folder, batch_tokens=7),
        settings(folder, vocabulary="xlm-roberta"),
    ]
    assert {build(one, f"name {i}").identity.digest for i, one in enumerate(unchanged)} == {base}


def test_encoding_asks_for_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    build(settings(write_checkpoint(tmp_path / "m")), "m").encode_queries(["cat"])
    with pytest.raises(MissingResourceError, match="not on this machine") as caught:
        build(settings(Path("owner/absent-model")), "m")
    assert "lapca-bench fetch hub:owner/absent-model" in str(caught.value)


def test_packed_layers_change_a_vector_by_rounding_only_and_leave_other_activations_alone(tmp_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertModel

    from lapca_bench.encoders.weights.packed import pack_linear_layers

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    ids = torch.arange(1, 13).reshape(2, 6)
    for activation in ("gelu", "gelu_python", "gelu_new", "relu"):
        torch.manual_seed(0)
        model = BertModel(BertConfig(vocab_size=20, hidden_act=activation, **sizes)).eval()
        with torch.inference_mode():
            before = model(input_ids=ids).last_hidden_state
            after = pack_linear_layers(model)(input_ids=ids).last_hidden_state
        torch.testing.assert_close(after, before, atol=2e-6, rtol=0)
        assert not any(type(module) is torch.nn.Linear for module in model.modules())
