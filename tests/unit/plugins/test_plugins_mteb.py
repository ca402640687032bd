"""Systems inside MTEB and its models here, by MTEB's own classes where they are installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toys.checkpoints import write_checkpoint
from toys.cli import write_collection

import lapca_bench as lb
from lapca_bench.plugins.mteb import for_mteb, from_mteb
from lapca_bench.search.workspace import Workspace
from lapca_bench.types import Document

pytest.importorskip("torch")


def card(folder: Path) -> str:
    write_checkpoint(folder / "model")
    (folder / "card.toml").write_text(
        'name = "mine"\ntitle = "t"\nkind = "dense"\nlicence = "l"\ncitation = "c"\nurl = ""\nlanguages = ["*"]\n'
        '[encoder]\ntype = "transformer"\ncheckpoint = "model"\npooling = "mean"\nquery_prompt = "query : "\n'
        'document_prompt = "passage : "\nbitext_prompt = ""\ntitle_separator = " . "\n'
        "query_max_length = 16\ndocument_max_length = 16\n"
    )
    return str(folder / "card.toml")


RETRIEVAL, BITEXT = SimpleNamespace(type="Retrieval"), SimpleNamespace(type="BitextMining")


def test_each_side_and_kind_of_task_is_prompted_as_the_card_says(tmp_path: Path) -> None:
    name = card(tmp_path)
    model = for_mteb(name)
    encoder = model._encoder()
    texts = ["the cat", "mat"]
    found = model.encode([{"text": texts[:1]}, {"text": texts[1:]}], task_metadata=RETRIEVAL, prompt_type="query")
    np.testing.assert_allclose(found, encoder.encode_queries(texts), atol=1e-6)
    batch = {"text": ["Cat sat", "mat"], "body": ["sat", "mat"], "title": ["Cat", None]}
    found = model.encode([batch], task_metadata=RETRIEVAL, prompt_type=SimpleNamespace(value="document"))
    documents = [Document("1", "sat", "Cat"), Document("2", "mat")]
    np.testing.assert_allclose(found, encoder.encode_documents(documents), atol=1e-6)
    bare = model.encode([{"text": texts}], task_metadata=BITEXT)
    np.testing.assert_allclose(bare, model._encoder("bitext").encode_queries(texts), atol=1e-6)
    assert not np.allclose(bare, encoder.encode_queries(texts))
    assert model.similarity(found, found).shape == (2, 2)
    np.testing.assert_allclose(model.similarity_pairwise(found, found), [1, 1], atol=1e-6)


def test_mteb_takes_it_for_a_model_and_scores_a_task(tmp_path: Path) -> None:
    pytest.importorskip("mteb")
    from mteb.models.models_protocols import EncoderProtocol

    model = for_mteb(card(tmp_path))
    assert isinstance(model, EncoderProtocol)
    assert model.mteb_model_meta.name == "lapca-bench/mine"
    assert model.mteb_model_meta.revision == model._encoder().identity.digest


class Theirs:
    """A model as MTEB writes them."""

    mteb_model_meta = SimpleNamespace(name="org/theirs", similarity_fn_name="dot")

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def encode(
        self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: Any, **_: Any
    ) -> Any:
        texts = [text for batch in inputs for text in batch["text"]]
        self.seen += [(prompt_type.value, text) for text in texts]
        assert task_metadata.type == "Retrieval"
        return np.array([[1.0 + text.count(letter) for letter in "aeiou"] for text in texts])


def test_a_model_of_mteb_is_evaluated_here(tmp_path: Path) -> None:
    pytest.importorskip("mteb")
    theirs = Theirs()
    evaluation = lb.evaluate(
        [from_mteb(theirs)],
        [str(write_collection(tmp_path / "data"))],
        results=tmp_path / "results",
        workspace=Workspace(cache=tmp_path / "cache"),
    )
    (outcome,) = evaluation.outcomes
    assert outcome.result is not None
    assert outcome.result.system == "org/theirs"
    assert {side for side, _ in theirs.seen} == {"query", "document"}
