from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lapca_bench.encoders.kinds import EncoderSettings
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.probes import golden_tokens
from lapca_bench.search import registry
from lapca_bench.search.dense import DenseCard

ADAPTER: TypeAdapter[EncoderSettings] = TypeAdapter(EncoderSettings)
BASE: dict[str, Any] = {"type": "transformer", "checkpoint": "owner/model", "pooling": "cls"}
DENSE = sorted(name for name, card in registry.cards().items() if isinstance(card, DenseCard))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"typo": 1}, "Extra inputs are not permitted"),
        ({"type": "transfomer"}, "does not match any of the expected tags"),
        ({"pooling": "max"}, "'cls', 'mean' or 'last'"),
        ({"query_max_length": "512"}, "valid integer"),
        ({"query_max_length": 2}, "greater than or equal to 3"),
        ({"normalise": "yes"}, "valid boolean"),
        ({"normalise": False}, "needs normalise = true"),
        ({"format": "e5-q4"}, "go together"),
        ({"tokenizer": "resource:x"}, "go together"),
        ({"format": "e5-q4", "tokenizer": "x", "query_checkpoint": "y"}, "one model for both sides"),
        ({"head": {"path": "x", "activation": "relu"}}, "'identity' or 'tanh'"),
        ({"checkpoint": 3}, "valid string"),
    ],
)
def test_a_table_that_does_not_validate(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ADAPTER.validate_python(BASE | changes)


def test_defaults_are_those_of_the_docs() -> None:
    settings = ADAPTER.validate_python(BASE)
    assert isinstance(settings, TransformerSettings)
    assert (settings.query_max_length, settings.document_max_length, settings.batch_tokens) == (512, 512, None)
    assert (settings.normalise, settings.similarity, settings.dtype) == (True, "cosine", "float32")


@pytest.mark.parametrize("name", DENSE)
def test_every_dense_card_is_whole(name: str) -> None:
    card = registry.cards()[name]
    assert card.licence
    assert card.citation
    assert card.url.startswith("https://")
    assert card.requires or card.encoder.type == "python"  # a class of the user's brings what it needs
    assert card.note
    vocabulary = getattr(card.encoder, "vocabulary", None)
    if vocabulary is not None:
        assert golden_tokens(vocabulary)


@pytest.mark.parametrize(
    ("name", "pooling", "query", "document", "similarity"),
    [
        ("labse", "cls", "", "", "cosine"),
        ("mcontriever", "mean", "", "", "dot"),
        ("mdpr-nq-split", "cls", "", "", "dot"),
        ("me5-base", "mean", "query: ", "passage: ", "cosine"),
        ("me5-small-q4", "mean", "query: ", "passage: ", "cosine"),
        ("bge-m3", "cls", "", "", "cosine"),
        ("arctic-embed-l-v2", "cls", "query: ", "", "cosine"),
    ],
)
def test_pooling_prompts_and_similarity_are_the_published_ones(
    name: str, pooling: str, query: str, document: str, similarity: str
) -> None:
    settings = registry.cards()[name].encoder
    assert isinstance(settings, TransformerSettings)
    assert (settings.pooling, settings.similarity) == (pooling, similarity)
    assert (settings.query_prompt, settings.document_prompt) == (query, document)


def test_the_cards_that_the_issue_lists_are_here() -> None:
    listed = (
        "xlm-r-base xlm-r-large mbert labse mdpr-nq-split mdpr-nq mdpr-msmarco mdpr-mr-tydi mcontriever infoxlm-base"
    )
    listed += " mcontriever-msmarco infoxlm-large ccp msm me5-small me5-base me5-large me5-large-instruct bge-m3 sonar"
    listed += " gte-multilingual-base arctic-embed-l-v2 paraphrase-multilingual-minilm paraphrase-multilingual-mpnet"
    listed += " static-similarity-multilingual use-multilingual all-minilm-l6-v2 me5-small-q4"
    assert set(listed.split()) <= set(DENSE)
