"""Cross-encoders against transformers' own classifiers."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import VOCABULARY, write_checkpoint

from lapca_bench.encoders.kinds.cross_encoder import CrossEncoder, CrossEncoderSettings
from lapca_bench.errors import InputError
from lapca_bench.types import Document, Query

TEXTS = ["cat sat", "", "the mat . the cat sat mat", "漢字"]
SEP = VOCABULARY.index("[SEP]")


def build(folder, **changes):
    base = {"checkpoint": str(folder), "max_length": 16}
    return CrossEncoder(CrossEncoderSettings.model_validate(base | changes), "tiny")


def documents(texts):
    return [Document(str(i), text, "Cat") for i, text in enumerate(texts)]


@pytest.mark.parametrize("kind", ["bert-classifier", "xlm-roberta-classifier", "bert-two-classes"])
def test_scores_are_the_classifiers_logits(tmp_path, kind):
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = write_checkpoint(tmp_path / "m", kind)
    encoder = build(folder, batch_tokens=20)
    scores = encoder.score(Query("q", "sat mat"), documents(TEXTS))
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    cls, sat, mat = (VOCABULARY.index(token) for token in ("[CLS]", "sat", "mat"))
    expected = []
    for text in TEXTS:
        inner = encoder._network.tokenizer.encode([f"Cat {text}"], None, special_tokens=False).ids[0].tolist()
        ids = [cls, sat, mat, SEP, *inner, SEP]
        further = {}
        if kind.startswith("bert"):
            further["token_type_ids"] = torch.tensor([[0] * 4 + [1] * (len(inner) + 1)])
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids]), **further).logits[0].tolist()
        expected.append(logits[0] if len(logits) == 1 else logits[1] - logits[0])
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert encoder.score(Query("q", "sat"), []) == []


def test_long_pairs_are_cut(tmp_path):
    encoder = build(write_checkpoint(tmp_path / "m", "bert-classifier"))
    for query, text in (("cat " * 100, "sat"), ("cat", "sat " * 100), ("cat " * 100, "sat " * 100)):
        assert np.isfinite(encoder.score(Query("q", query), documents([text]))).all()


def test_a_checkpoint_without_its_classifier_is_refused(tmp_path):
    with pytest.raises(InputError, match="would be random"):
        build(write_checkpoint(tmp_path / "m")).score(Query("q", "cat"), documents(["sat"]))


def test_identity_follows_weights_and_length(tmp_path):
    one = write_checkpoint(tmp_path / "a", "bert-classifier")
    other = write_checkpoint(tmp_path / "b", "bert-classifier", seed=1)
    digests = {build(one).identity.digest, build(other).identity.digest, build(one, max_length=15).identity.digest}
    assert len(digests) == 3
    assert build(one, batch_tokens=7).identity.digest in digests
