"""Documents that are their titles, read inside their texts: by hand, and what stays as it is."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import settings, write_checkpoint  # noqa: E402

from lapca_bench.encoders import build  # noqa: E402
from lapca_bench.encoders.spanned import SpannedEncoder  # noqa: E402
from lapca_bench.errors import UsageError  # noqa: E402
from lapca_bench.types import Document  # noqa: E402

TEXT = "the cat sat . a mat . the Cat"


@pytest.fixture(scope="module")
def inner(tmp_path_factory):
    folder = write_checkpoint(tmp_path_factory.mktemp("base"))
    return build(settings(folder, document_prompt="passage : "), "inner")


def test_a_title_is_the_mean_of_its_tokens_and_of_those_of_the_frame(inner) -> None:
    spanned = SpannedEncoder(inner, "s")
    titles = ["the cat sat .", "a mat .", TEXT]
    found = spanned.encode_documents([Document(title, TEXT, title) for title in titles])
    tower = inner._documents
    tokens = tower.tokenizer.encode(["passage : " + TEXT], None)
    with torch.inference_mode():
        hidden = tower.run(tokens, np.array([0]))[0].last_hidden_state[0].float().numpy()
    frame = [0, 1, 2, len(hidden) - 1]  # [CLS] passage : [SEP]
    for row, places in ((0, range(3, 7)), (1, range(7, 10)), (2, range(3, len(hidden) - 1))):
        by_hand = hidden[sorted({*frame, *places})].mean(axis=0)
        np.testing.assert_allclose(found[row], by_hand / np.linalg.norm(by_hand), atol=1e-5)
    whole = inner.encode_documents([Document("w", TEXT)])
    np.testing.assert_allclose(found[2:], whole, atol=1e-5)


@pytest.mark.parametrize("document", [Document("a", TEXT), Document("a", TEXT, "zebra"), Document("a", "", "a mat .")])
def test_a_document_without_a_title_in_its_text_is_as_ever(inner, document) -> None:
    found = SpannedEncoder(inner, "s").encode_documents([document])
    np.testing.assert_array_equal(found, inner.encode_documents([document]))


def test_a_title_behind_what_is_read_is_the_title_alone(inner) -> None:
    short = build(inner._settings.model_copy(update={"document_max_length": 8}), "short")
    (found,) = SpannedEncoder(short, "s").encode_documents([Document("a", TEXT, "the Cat")])
    (alone,) = short.encode_documents([replace(Document("a", "", "the Cat"))])
    np.testing.assert_array_equal(found, alone)


def test_its_identity_is_not_the_inner_ones_and_the_mean_is_needed(inner) -> None:
    assert SpannedEncoder(inner, "s").identity.digest != inner.identity.digest
    first = build(inner._settings.model_copy(update={"pooling": "cls"}), "first")
    with pytest.raises(UsageError, match="parts of a text"):
        SpannedEncoder(first, "s").encode_documents([Document("a", TEXT, "a mat .")])
