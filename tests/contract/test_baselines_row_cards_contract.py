"""Every sparse, late-interaction and cross-encoder card on a random checkpoint of its own architecture.

The counterpart of the dense cards' contract: the card's own settings, against a hand computation from the outputs that
transformers itself gives, text by text.
"""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from toys import checkpoints  # noqa: E402
from toys.checkpoints import HIDDEN, VOCABULARY, ids_of, write_checkpoint, write_head  # noqa: E402

from lapca_bench.encoders.kinds.cross_encoder import CrossEncoder  # noqa: E402
from lapca_bench.search import registry  # noqa: E402
from lapca_bench.search.dense import DenseCard  # noqa: E402
from lapca_bench.types import Document, Query  # noqa: E402

# Architecture and longest input of the public checkpoints.
CHECKPOINTS = {
    "bge-m3-sparse": ("xlm-roberta", 8194),
    "bge-reranker-v2-m3": ("xlm-roberta-classifier", 8194),
    "colbert-xm": ("xmod", 514),
    "mmarco-minilm": ("xlm-roberta-classifier", 514),
    "opensearch-sparse-multilingual": ("bert-mlm", 512),
}
TEXT = "the cat sat . the mat"
DOCUMENT = Document("d", TEXT, language="de")
SPECIAL = sorted(
    VOCABULARY.index(token) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a_Latn", "b_Latn")
)


def settings_of(name, folder, **changes):
    """The card's settings on tiny weights in `folder`."""
    card = registry.cards()[name]
    architecture, positions = CHECKPOINTS[name]
    write_checkpoint(folder, architecture, positions=positions)
    (settings,) = card.models
    return settings.model_copy(update={"checkpoint": str(folder), "revision": None, **changes})


def load(kind, folder):
    return getattr(transformers, kind).from_pretrained(folder).eval()


def output(model, ids, **further):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), **further)


READ = ids_of("[CLS]", *TEXT.split(), "[SEP]")


def test_every_such_card_is_looked_at():
    found = {name for name, card in registry.cards().items() if card.models and not isinstance(card, DenseCard)}
    assert found - {"me5-small-q4-late"} == set(CHECKPOINTS)  # the one whose weights packages carry


def test_bge_m3_weighs_the_tokens_of_a_text(tmp_path):
    settings = settings_of("bge-m3-sparse", tmp_path)
    weight, bias = write_head(tmp_path / settings.head, out=1)
    states = output(load("AutoModel", tmp_path), READ).last_hidden_state[0].numpy()
    expected = np.zeros(len(VOCABULARY), np.float32)
    for number, state in zip(READ, states, strict=True):
        expected[number] = max(expected[number], (weight @ state + bias)[0])
    expected[SPECIAL] = 0
    assert expected.any()
    encoder = settings.encoder()
    for row in (encoder.encode_documents([DOCUMENT]), encoder.encode_queries([TEXT])):
        np.testing.assert_allclose(row.toarray()[0], expected, atol=1e-5)


def test_opensearch_expands_documents_and_looks_queries_up(tmp_path):
    settings = settings_of("opensearch-sparse-multilingual", tmp_path)
    (tmp_path / settings.query_weights).write_text(json.dumps({"cat": 2.5, "mat": 0.5, "[CLS]": 9}))
    encoder = settings.encoder()
    logits = output(load("AutoModelForMaskedLM", tmp_path), READ).logits[0].numpy()
    expected = np.log1p(np.maximum(logits, 0)).max(axis=0)
    expected[SPECIAL] = 0
    np.testing.assert_allclose(encoder.encode_documents([DOCUMENT]).toarray()[0], expected, atol=1e-5)
    query = encoder.encode_queries([TEXT]).toarray()[0]
    assert {VOCABULARY[term]: query[term] for term in np.flatnonzero(query)} == {"cat": 2.5, "mat": 0.5}


def test_colbert_xm_marks_fills_projects_and_passes_each_text_through_its_languages_adapter(tmp_path, monkeypatch):
    from safetensors.numpy import load_file, save_file

    adapters = registry.cards()["colbert-xm"].late_interaction.adapters
    model, config, values = checkpoints.ARCHITECTURES["xmod"]
    languages = sorted(adapters.values())
    monkeypatch.setitem(checkpoints.ARCHITECTURES, "xmod", (model, config, {**values, "languages": languages}))
    named = {"query_marker": "[UNK]", "document_marker": "[UNK]", "query_fill": "[MASK]"}  # <unk> and <mask> of XLM-R
    settings = settings_of("colbert-xm", tmp_path, **named)
    weights = tmp_path / settings.projection
    weight = np.random.default_rng(0).normal(size=(8, HIDDEN)).astype(np.float32)
    save_file({**load_file(weights), "linear.weight": weight}, weights, metadata={"format": "pt"})
    encoder, network = settings.encoder(), load("AutoModel", tmp_path)

    def by_hand(ids, language):
        adapter = torch.tensor([languages.index(adapters[language])])
        rows = output(network, ids, lang_ids=adapter).last_hidden_state[0].numpy() @ weight.T
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    marked = [READ[0], *ids_of("[UNK]"), *READ[1:]]
    without_punctuation = np.delete(by_hand(marked, "de"), marked.index(VOCABULARY.index(".")), axis=0)
    np.testing.assert_allclose(encoder.encode_documents([DOCUMENT])[0], without_punctuation, atol=1e-5)
    filled = marked + ids_of("[MASK]") * (settings.query_max_length - len(marked))
    for language in adapters:
        found = encoder.encode_queries([TEXT], language=language)[0]
        np.testing.assert_allclose(found, by_hand(filled, language), atol=1e-5)


@pytest.mark.parametrize("name", ["mmarco-minilm", "bge-reranker-v2-m3"])
def test_a_reranker_scores_with_its_classifiers_logit(tmp_path, name):
    encoder = CrossEncoder(settings_of(name, tmp_path), name)
    pair = ids_of("[CLS]", "cat", "[SEP]", *TEXT.split(), "[SEP]")
    logits = output(load("AutoModelForSequenceClassification", tmp_path), pair).logits[0]
    assert len(logits) == 1
    np.testing.assert_allclose(encoder.score(Query("q", "cat"), [DOCUMENT]), logits.numpy(), atol=1e-5)
