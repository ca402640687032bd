"""Every dense card on a checkpoint of its own architecture: random weights, narrow layers, the card's own settings.

What a card asks of a checkpoint (pooling, head, prompts, lengths that fit its positions, normalisation) is computed by
hand from the model's token vectors, text by text.
"""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import HIDDEN, write_checkpoint, write_head, write_static

from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.static import StaticSettings
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.search import registry
from lapca_bench.search.dense import DenseCard
from lapca_bench.types import Document

# Architecture and longest input of the public checkpoints.
XLM_R = ("xlm-roberta", 514)
BERT = ("bert", 512)
CHECKPOINTS = {
    "all-minilm-l6-v2": BERT,
    "arctic-embed-l-v2": ("xlm-roberta", 8194),
    "bge-m3": ("xlm-roberta", 8194),
    "ccp": XLM_R,
    "granite-311m-r2": ("modernbert", 32768),
    "granite-97m-r2": ("modernbert", 32768),
    "gte-multilingual-base": ("gte", 8192),
    "infoxlm-base": XLM_R,
    "infoxlm-large": XLM_R,
    "kalm-mini-instruct-v1": ("qwen2", 131072),
    "labse": BERT,
    "mbert": BERT,
    "mcontriever": BERT,
    "mcontriever-msmarco": BERT,
    "mdpr-mr-tydi": BERT,
    "mdpr-msmarco": BERT,
    "mdpr-nq": BERT,
    "mdpr-nq-split": BERT,
    "me5-base": XLM_R,
    "me5-large": XLM_R,
    "me5-large-instruct": XLM_R,
    "me5-small": BERT,
    "msm": XLM_R,
    "paraphrase-multilingual-minilm": BERT,
    "paraphrase-multilingual-mpnet": XLM_R,
    "qwen3-embedding-0.6b": ("qwen3", 32768),
    "qwen3-embedding-4b": ("qwen3", 40960),
    "qwen3-embedding-8b": ("qwen3", 40960),
    "sonar": ("m2m100", 1024),
    "xlm-r-base": XLM_R,
    "xlm-r-large": XLM_R,
}
TEXTS = ["the mat . the cat sat", "", "zebra 42 the cat sat mat mat"]
DENSE = {name: card.encoder for name, card in registry.cards().items() if isinstance(card, DenseCard)}
TRANSFORMERS = [name for name, encoder in DENSE.items() if isinstance(encoder, TransformerSettings)]


def with_checkpoint(name, folder):
    """The card's settings on tiny weights, its languages opened by one of the two tokens that the tokenizer has."""
    settings = DENSE[name]
    architecture, positions = CHECKPOINTS[name]
    changes = {"checkpoint": str(write_checkpoint(folder / "a", architecture, positions=positions)), "revision": None}
    if settings.query_checkpoint is not None:
        changes["query_checkpoint"] = str(write_checkpoint(folder / "b", architecture, seed=5, positions=positions))
    if settings.head is not None:
        write_head(folder / "a" / settings.head.path)
    if settings.language_tokens is not None:
        changes["language_tokens"] = dict.fromkeys(settings.language_tokens, "a_Latn")
    return settings.model_copy(update=changes)


def load(folder):
    from transformers import AutoModel
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    kind = json.loads((folder / "config.json").read_text())["model_type"]
    return (M2M100Encoder if kind == "m2m_100" else AutoModel).from_pretrained(folder).eval()


def by_hand(settings, folder, model, ids):
    """The vector of one text, from the token vectors that transformers itself gives."""
    import torch
    from safetensors.numpy import load_file

    with torch.inference_mode():
        states = model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
    pooled = {"cls": lambda: states[0], "mean": lambda: states.mean(axis=0), "last": lambda: states[-1]}
    vector = pooled[settings.pooling]()
    if settings.head is not None:
        layer = load_file(folder / settings.head.path)
        vector = np.tanh(layer["linear.weight"] @ vector + layer["linear.bias"])
    return vector / np.linalg.norm(vector) if settings.normalise else vector


def test_every_dense_card_is_looked_at():
    known = {*CHECKPOINTS, "static-similarity-multilingual", "embeddinggemma-300m"}
    found = ("resource:", "./")  # what packages carry, and what is to be trained here first
    here = {name for name, encoder in DENSE.items() if str(getattr(encoder, "checkpoint", "")).startswith(found)}
    own = {name for name, encoder in DENSE.items() if not hasattr(encoder, "checkpoint")}
    assert set(DENSE) - here - own <= known


@pytest.mark.parametrize("name", sorted(set(TRANSFORMERS) & set(CHECKPOINTS)))
def test_a_card_equals_the_hand_computation(tmp_path, name):
    settings = with_checkpoint(name, tmp_path)
    encoder = build(settings, name)
    language = "en" if settings.language_tokens else None
    documents = [Document(str(i), text, "Cat", language or "") for i, text in enumerate(TEXTS)]
    sides = [
        (encoder._queries, encoder.encode_queries(TEXTS, language=language), list(map(encoder.shown_query, TEXTS))),
        (encoder._documents, encoder.encode_documents(documents), list(map(encoder.shown_document, documents))),
    ]
    for tower, vectors, shown in sides:
        width = HIDDEN if settings.head is None else 8
        assert vectors.shape == (len(TEXTS), width) == (len(TEXTS), encoder.dimension)
        tokens = tower.tokens(shown, 512, [language] * len(shown))
        model = load(tower.folder)
        expected = [by_hand(settings, tower.folder, model, ids.tolist()) for ids in tokens.ids]
        np.testing.assert_allclose(vectors, expected, atol=2e-5)
    assert encoder.similarity == ("cosine" if settings.normalise else "dot")
    alone = np.concatenate([encoder.encode_queries([text], language=language) for text in TEXTS])
    np.testing.assert_allclose(alone, sides[0][1], atol=2e-5)


@pytest.mark.parametrize("name", sorted(name for name, one in DENSE.items() if isinstance(one, StaticSettings)))
def test_a_static_card_is_the_mean_of_rows(tmp_path, name):
    matrix = write_static(tmp_path / "m", layout="sentence-transformers")
    encoder = build(DENSE[name].model_copy(update={"checkpoint": str(tmp_path / "m")}), name)
    ids = encoder.tokenise(["cat sat"]).ids[0]
    expected = matrix[ids].mean(axis=0)
    np.testing.assert_allclose(encoder.encode_queries(["cat sat"])[0], expected / np.linalg.norm(expected), atol=1e-5)


def test_embeddinggemma_reads_texts_as_sentence_transformers_does(tmp_path):
    """On Gemma 3's own layers, both ways, with a pooling and the two dense modules of its kind."""
    library = pytest.importorskip("sentence_transformers")
    from toys.sentence_folders import dense, pooling, reader, saved

    two = (dense(16, 24, "Identity", bias=False), dense(24, 16, "Identity", bias=False))
    folder = saved(tmp_path / "saved", [reader(tmp_path / "gemma", "gemma3"), pooling(), *two])
    encoder = build(DENSE["embeddinggemma-300m"].model_copy(update={"checkpoint": str(folder), "revision": None}))
    model = library.SentenceTransformer(str(folder), device="cpu")
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    queries = model.encode_query(TEXTS, prompt=prompts["query"], normalize_embeddings=True)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), queries, atol=1e-5)
    documents = [Document(str(i), text) for i, text in enumerate(TEXTS)]
    expected = model.encode_document(TEXTS, prompt=prompts["document"], normalize_embeddings=True)
    np.testing.assert_allclose(encoder.encode_documents(documents), expected, atol=1e-5)
    assert encoder.shown_document(documents[0]) == prompts["document"] + TEXTS[0]
