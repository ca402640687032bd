"""Models of sentence-transformers: each side as the library itself encodes it, prompts and all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys.sentence_folders import PROMPTS, pooling, reader, routed, saved

from lapca_bench.encoders import adapt
from lapca_bench.encoders.kinds.sentence_transformers import SentenceTransformersSettings
from lapca_bench.encoders.stated import FolderStatement
from lapca_bench.types import Document

library = pytest.importorskip("sentence_transformers")

QUERIES = ["the cat", "mat"]
DOCUMENTS = [Document("1", "cat sat", "the Cat"), Document("2", "mat")]


def unit(vectors: Any) -> Any:
    return np.asarray(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)


def of_card(folder: Path, **settings: Any) -> Any:
    values = {"type": "sentence-transformers", "checkpoint": str(folder), **settings}
    return SentenceTransformersSettings.model_validate(values).encoder()


def model(folder: Path) -> Any:
    return library.SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("folders")
    plain = lambda name: [reader(root / f"{name}-bert"), pooling()]  # noqa: E731
    return {
        "prompts": saved(root / "prompts", plain("prompts"), prompts=PROMPTS),
        "default": saved(root / "default", plain("default"), prompts=PROMPTS, default_prompt_name="query"),
        "passage": saved(root / "passage", plain("passage"), prompts={"query": "query : ", "passage": "passage : "}),
        "without": saved(root / "without", [reader(root / "w"), pooling(include_prompt=False)], prompts=PROMPTS),
        "router": saved(root / "router", [routed(root / "routes")], prompts=PROMPTS),
        "dot": saved(root / "dot", plain("dot"), similarity_fn_name="dot"),
        "cut": saved(root / "cut", plain("cut"), truncate_dim=6),
    }


SHAPES = ("prompts", "default", "passage", "without", "router", "dot", "cut")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", ["card", "object"])
def test_each_side_is_encoded_as_the_library_does(folders: dict[str, Path], shape: str, way: str) -> None:
    theirs = model(folders[shape])
    ours = adapt(theirs) if way == "object" else of_card(folders[shape])
    texts = [document.content(" ") for document in DOCUMENTS]
    queries, documents = theirs.encode_query(QUERIES), theirs.encode_document(texts)
    if ours.similarity == "cosine":
        queries, documents = unit(queries), unit(documents)
    np.testing.assert_allclose(ours.encode_queries(QUERIES), queries, atol=1e-5)
    np.testing.assert_allclose(ours.encode_documents(DOCUMENTS), documents, atol=1e-5)
    assert ours.dimension == queries.shape[1]
    assert (shape == "dot") == (ours.similarity == "dot")


def test_what_is_recorded_is_what_the_model_reads(folders: dict[str, Path]) -> None:
    for ours in (adapt(model(folders["router"])), of_card(folders["router"])):
        assert ours.shown_query("cat") == "query : cat"
        assert ours.shown_document(DOCUMENTS[0]) == "passage : the Cat cat sat"


def test_a_prompt_of_the_card_stands_before_the_folders_own_and_an_empty_one_too(folders: dict[str, Path]) -> None:
    theirs = model(folders["prompts"])
    for ours in (
        of_card(folders["prompts"], query_prompt="", document_prompt="the "),
        adapt(theirs, query_prompt="", document_prompt="the "),
    ):
        assert (ours.shown_query("cat"), ours.shown_document(DOCUMENTS[1])) == ("cat", "the mat")
        np.testing.assert_allclose(
            ours.encode_queries(QUERIES), unit(theirs.encode_query(QUERIES, prompt="")), atol=1e-5
        )
        expected = unit(theirs.encode_document(["mat"], prompt="the "))
        np.testing.assert_allclose(ours.encode_documents(DOCUMENTS[1:]), expected, atol=1e-5)


def test_prompts_and_routes_are_part_of_the_identity(folders: dict[str, Path]) -> None:
    settings = of_card(folders["prompts"]).identity.settings
    assert (settings["query_prompt"], settings["document_prompt"]) == ("query : ", "passage : ")
    assert of_card(folders["prompts"], query_prompt="query : ").identity == of_card(folders["prompts"]).identity
    assert of_card(folders["prompts"], query_prompt="").identity.digest != of_card(folders["prompts"]).identity.digest
    assert "sides" in of_card(folders["router"]).identity.settings
    assert "sides" not in settings


def test_two_objects_with_other_query_routes_are_two_encoders(folders: dict[str, Path]) -> None:
    import torch

    first, second = model(folders["router"]), model(folders["router"])
    with torch.no_grad():
        for parameter in second[0].sub_modules["query"].parameters():
            parameter.mul_(-0.5)
    assert adapt(first, "one").identity.digest == adapt(model(folders["router"]), "two").identity.digest
    assert adapt(first).identity.digest != adapt(second).identity.digest


def test_the_first_columns_can_be_asked_for(folders: dict[str, Path]) -> None:
    ours = of_card(folders["prompts"], dimension=5)
    np.testing.assert_allclose(
        ours.encode_queries(QUERIES), unit(model(folders["prompts"]).encode_query(QUERIES, truncate_dim=5)), atol=1e-5
    )
    assert ours.identity.digest != of_card(folders["prompts"]).identity.digest


def test_what_a_folder_states_and_no_side_is_given_is_known(folders: dict[str, Path]) -> None:
    assert FolderStatement(folders["passage"]).unused_prompts == {"passage": "passage : "}
    assert FolderStatement(folders["prompts"]).unused_prompts == {}


def test_an_object_whose_prompts_are_not_used_is_told(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    adapt(model(folders["prompts"]))
    assert not caplog.records
    adapt(model(folders["passage"]))
    assert "no prompt for document; not used: passage = 'passage : '" in caplog.text


class Sided:
    """A user's encoder with a method for each side and no prompts."""

    def encode(self, texts: list[str]) -> Any:
        raise AssertionError

    def encode_query(self, texts: list[str]) -> Any:
        return [[1.0, len(text)] for text in texts]

    def encode_document(self, texts: list[str]) -> Any:
        return [[2.0, len(text)] for text in texts]


def test_any_object_with_a_method_for_each_side_is_asked_by_side() -> None:
    ours = adapt(Sided(), similarity="dot", query_prompt="q: ")
    assert ours.encode_queries(["ab"]).tolist() == [[1, 5]]
    assert ours.encode_documents([DOCUMENTS[1]]).tolist() == [[2, 3]]
    assert ours.shown_query("ab") == "q: ab"
