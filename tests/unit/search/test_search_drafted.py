"""Cards from folders of weights: twelve shapes, each with the vectors that its own library gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys.checkpoints import write_checkpoint, write_static
from toys.sentence_folders import PROMPTS, change, checkpoint, dense, pooling, reader, routed, saved

from lapca_bench.errors import InputError, LapcaError, UsageError
from lapca_bench.search.drafts.drafted import drafted
from lapca_bench.search.kinds import read_card
from lapca_bench.types import Document

library = pytest.importorskip("sentence_transformers")

QUERIES = ["the cat", "mat", "a cat sat on the mat", " sat "]
DOCUMENTS = ["the Cat cat sat", "mat", "Mat 7 é . the the sat"]


def normalize() -> Any:
    from sentence_transformers.base.modules import Normalize

    return Normalize()


def static(folder: Path) -> Path:
    import torch
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    write_static(folder / "raw")
    torch.manual_seed(1)
    tokenizer = Tokenizer.from_file(str(folder / "raw" / "tokenizer.json"))
    return saved(folder / "saved", [StaticEmbedding(tokenizer, embedding_dim=12)])


def plain(kind: str) -> Callable[[Path], Path]:
    return lambda folder: checkpoint(folder, kind)


def causal(folder: Path) -> Path:
    return change(checkpoint(folder, "qwen3"), "config.json", architectures=["Qwen3ForCausalLM"])


def of_modules(
    *after: Callable[[], Any], kind: str = "bert", mode: str = "mean", **settings: Any
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        modules = [reader(folder / "reader", kind), pooling(mode), *(make() for make in after)]
        return saved(folder / "saved", modules, **settings)

    return write


def last_token(folder: Path) -> Path:
    made = of_modules(normalize, kind="qwen3", mode="lasttoken", prompts={"query": "query : "})(folder)
    return change(made, "tokenizer_config.json", padding_side="left")


# What is written, and the type of encoder that it is drafted as.
SHAPES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "prompts": (of_modules(normalize, prompts=PROMPTS), "transformer"),
    "default prompt": (of_modules(prompts=PROMPTS, default_prompt_name="query"), "transformer"),
    "router": (lambda folder: saved(folder / "saved", [routed(folder)], prompts=PROMPTS), "sentence-transformers"),
    "dense head": (of_modules(dense, normalize), "transformer"),
    "two dense heads": (of_modules(lambda: dense(16, 24), lambda: dense(24, 8)), "sentence-transformers"),
    "another activation": (of_modules(lambda: dense(activation="GELU")), "sentence-transformers"),
    "truncate_dim": (of_modules(normalize, truncate_dim=6), "transformer"),
    "dot": (of_modules(similarity_fn_name="dot", mode="cls"), "transformer"),
    "max pooling": (of_modules(mode="max"), "sentence-transformers"),
    "prompts that are not pooled": (
        lambda folder: saved(folder / "s", [reader(folder / "r"), pooling(include_prompt=False)], prompts=PROMPTS),
        "sentence-transformers",
    ),
    "lower case": (
        lambda folder: saved(folder / "s", [reader(folder / "r", do_lower_case=True), pooling()]),
        "transformer",  # which the saved tokenizer.json says
    ),
    "t5 as saved": (of_modules(kind="t5-encoder"), "transformer"),
    "bart as saved": (of_modules(kind="bart"), "sentence-transformers"),
    "last token, padded on the left": (last_token, "transformer"),
    "static": (static, "sentence-transformers"),
    "xlm": (plain("xlm"), "transformer"),
    "gpt2": (plain("gpt2"), "transformer"),
    "t5": (plain("t5"), "transformer"),
    "modernbert": (plain("modernbert"), "transformer"),
    "xlm-roberta": (plain("xlm-roberta"), "transformer"),
    "causal": (causal, "transformer"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_vectors_of_a_folder_are_those_of_its_library(tmp_path: Path, shape: str) -> None:
    write, kind = SHAPES[shape]
    folder = write(tmp_path)
    card = drafted(str(folder)).card
    assert card.encoder.type == kind
    ours = card.encoder.encoder("mine")
    theirs = library.SentenceTransformer(str(folder), device="cpu")
    unit = {"normalize_embeddings": card.encoder.similarity == "cosine"}
    documents = [Document(str(i), text) for i, text in enumerate(DOCUMENTS)]
    # one text at a time: some architectures give padded texts other vectors, which is what ours avoid
    queries = [theirs.encode_query([text], **unit)[0] for text in QUERIES]
    np.testing.assert_allclose(ours.encode_queries(QUERIES), queries, atol=1e-5)
    expected = [theirs.encode_document([text], **unit)[0] for text in DOCUMENTS]
    np.testing.assert_allclose(ours.encode_documents(documents), expected, atol=1e-5)
    assert card.encoder.similarity == (theirs.similarity_fn_name or "cosine")


def multi_vector(folder: Path) -> Path:
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    head = dense(
        activation="Identity", bias=False, module_input_name="token_embeddings", module_output_name="token_embeddings"
    )
    modules = [reader(folder / "reader"), head, MultiVectorMask(skiplist_words=["."]), Normalize("token_embeddings")]
    return saved(
        folder / "saved", modules, library="MultiVectorEncoder", prompts={"query": "query ", "document": "passage "}
    )


def pylate(folder: Path) -> Path:
    """As PyLate writes one: two modules of its own, and prefixes, lengths and words to skip beside them."""
    made = multi_vector(folder)
    entries = json.loads((made / "modules.json").read_text())[:2]
    entries[1]["type"] = "pylate.models.Dense.Dense"
    (made / "modules.json").write_text(json.dumps(entries))
    stated = {"model_type": "ColBERT", "query_prefix": "query ", "document_prefix": "passage ", "prompts": {}}
    change(made, "tokenizer_config.json", mask_token="[MASK]")
    return change(made, "config_sentence_transformers.json", **stated, query_length=8, document_length=12)


@pytest.mark.parametrize("write", [multi_vector, pylate])
def test_late_interaction_folders_are_read_as_the_library_does(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    folder = write(tmp_path)
    card = drafted(str(folder)).card
    assert card.kind == "late-interaction"
    ours, theirs = card.late_interaction.encoder("mine"), library.MultiVectorEncoder(str(folder), device="cpu")
    for mine, due in (
        (ours.encode_queries(QUERIES), theirs.encode_query(QUERIES, convert_to_numpy=True)),
        (
            ours.encode_documents([Document(str(i), text) for i, text in enumerate(DOCUMENTS)]),
            theirs.encode_document(DOCUMENTS, convert_to_numpy=True),
        ),
    ):
        for one, other in zip(mine, due, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
    assert ours.shown_query("cat") == "query cat"
    assert ours.dimension == 8


def splade(folder: Path) -> Path:
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    head = reader(folder / "reader", "bert-mlm", transformer_task="fill-mask")
    return saved(folder / "saved", [head, SpladePooling("max")], library="SparseEncoder")


def test_a_sparse_folder_is_read_as_the_library_does(tmp_path: Path) -> None:
    folder = splade(tmp_path)
    card = drafted(str(folder)).card
    assert card.kind == "sparse"
    ours, theirs = card.sparse.encoder("mine"), library.SparseEncoder(str(folder), device="cpu")
    np.testing.assert_allclose(
        ours.encode_queries(QUERIES).toarray(), theirs.encode_query(QUERIES).to_dense().numpy(), atol=1e-5
    )
    assert ours.encode_queries([]).shape == (0, ours.terms)


def test_a_classifier_of_pairs_is_a_cross_encoder(tmp_path: Path) -> None:
    card = drafted(str(write_checkpoint(tmp_path, "bert-classifier"))).card
    assert (card.kind, card.cross_encoder.max_length) == ("cross-encoder", 32)


def test_a_folder_of_model2vec_is_static(tmp_path: Path) -> None:
    write_static(tmp_path)
    for stated in ({"model_type": "model2vec", "normalize": True}, {"normalize": True, "embedding_dtype": "float32"}):
        (tmp_path / "config.json").write_text(json.dumps(stated))
        assert drafted(str(tmp_path)).card.encoder.type == "static"


@pytest.mark.parametrize("normalised", [True, False])
def test_a_folder_of_model2vec_has_the_vectors_of_model2vec(tmp_path: Path, normalised: bool) -> None:
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer

    matrix = write_static(tmp_path / "raw")
    tokenizer = Tokenizer.from_file(str(tmp_path / "raw" / "tokenizer.json"))
    model2vec.StaticModel(matrix, tokenizer, config={}, normalize=normalised).save_pretrained(str(tmp_path / "saved"))
    texts = ["the cat", "漢字 cat", "the mat . the cat sat " * 60]
    theirs = model2vec.StaticModel.from_pretrained(str(tmp_path / "saved")).encode(texts)
    ours = drafted(str(tmp_path / "saved")).card.encoder.encoder("x").encode_queries(texts)
    np.testing.assert_allclose(ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True), atol=1e-5)


def test_a_folder_that_says_nothing_is_refused_with_what_is_due(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither config\.json nor modules\.json"):
        drafted(str(tmp_path))
    (tmp_path / "config.json").write_text("{broken")
    with pytest.raises(InputError, match="not readable as JSON"):
        drafted(str(tmp_path))


def test_a_hub_name_is_looked_up_in_the_cache_and_its_commit_is_pinned(tmp_path: Path, monkeypatch: Any) -> None:
    repository = tmp_path / "models--toy--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c" * 40)
    write_checkpoint(repository / "snapshots" / ("c" * 40), "bert")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("hub:toy/model", "toy/model", "toy/model@main"):
        card = drafted(name).card
        assert (card.name, card.encoder.checkpoint, card.encoder.revision) == ("model", "toy/model", "c" * 40)
    with pytest.raises(LapcaError) as caught:
        drafted("hub:toy/other@v2")
    assert "lapca-bench fetch hub:toy/other@v2" in str(caught.value)
    with pytest.raises(UsageError, match="names no hub repository"):
        drafted("hub:toy")


def test_a_card_that_was_written_means_the_same_model_from_where_it_lies(tmp_path: Path, monkeypatch: Any) -> None:
    folder = of_modules(dense, prompts=PROMPTS)(tmp_path / "model")
    (folder / "README.md").write_text("---\nlanguage:\n- de\n- en\nlicense: mit\n---\n# A model\n")
    made = drafted(str(folder))
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "mine.toml").write_text(made.text(cards))
    monkeypatch.chdir(tmp_path / "model")
    card = read_card(cards / "mine.toml")
    assert (card.licence, card.languages, card.trained_on) == ("mit", ["de", "en"], [])
    assert card.encoder.encoder("x").identity.digest == made.card.encoder.encoder("x").identity.digest
    text = (cards / "mine.toml").read_text()
    assert 'checkpoint = "../model/saved"' in text
    assert 'query_prompt = "query : "  # config_sentence_transformers.json' in text
    assert 'pooling = "mean"  # 1_Pooling/config.json' in text


@pytest.mark.parametrize(
    ("prompts", "told"),
    [
        ({"query": "q: ", "passage": "p: "}, "set document_prompt"),
        ({"web_search_query": "Instruct: ", "passage": "p: "}, "set query_prompt and document_prompt"),
        ({"query": "q: ", "document": "d: ", "Clustering": "c: "}, "other tasks are not used: Clustering"),
        ({"query": "q: ", "document": "d: "}, ""),
    ],
)
def test_prompts_that_are_stated_and_not_used_are_told(tmp_path: Path, prompts: dict[str, str], told: str) -> None:
    folder = of_modules(prompts=prompts)(tmp_path)
    warnings = " ".join(drafted(str(folder)).encoder.warnings)
    assert told in warnings
    assert bool(told) == bool(warnings)


def test_a_prompt_for_bitext_is_kept_for_such_tasks(tmp_path: Path) -> None:
    card = drafted(str(of_modules(prompts={**PROMPTS, "BitextMining": "match : "})(tmp_path))).card
    assert card.for_task("bitext").encoder.query_prompt == "match : "
