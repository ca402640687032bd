"""Every kind of encoder keeps the same promises on the same odd texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from toys.checkpoints import HIDDEN, VOCABULARY, write_checkpoint, write_static, write_tokenizer
from toys.onnx_models import write_text_model, write_token_model

from lapca_bench.encoders import Encoder, ShowsTexts, adapt, build, load_user_encoder
from lapca_bench.encoders.kinds import EncoderSettings
from lapca_bench.encoders.postprocessing import PostProcessedEncoder, centring
from lapca_bench.types import Document

for library in ("torch", "transformers", "onnxruntime", "onnxruntime_extensions", "sentence_transformers"):
    pytest.importorskip(library)
for library in ("onnx", "openvino"):
    if find_spec(library) is None:  # found, not imported: OpenVINO would tell its maker
        pytest.skip(f"no {library}", allow_module_level=True)

ODD = {
    "empty": "",
    "blank": " \t\n ",
    "long": "cat sat. " * 1112,
    "emoji": "👩‍👩‍👧‍👦 🇫🇮 cat",
    "right-to-left": "\u202eالقاهرة\u202c cat",
    "nul": "a\0b",
    "control": "\x01\x1b[31m\x7f\u0085",
    "lone surrogate": "cat \ud83d sat \udc00",
    "combining": "e\u0301" * 40,
    "special tokens": "[CLS] [SEP] </s> <pad>",
    "plain": "the cat sat",
    "duplicate": "the cat sat",
}
TEXTS = list(ODD.values())


def from_table(**table: Any) -> Encoder:
    return build(TypeAdapter(EncoderSettings).validate_python(table), "tiny")


def transformer(folder: Path, kind: str = "bert", **changes: Any) -> Encoder:
    write_checkpoint(folder, kind)
    table = {"type": "transformer", "checkpoint": str(folder), "pooling": "mean"}
    return from_table(**table | {"query_max_length": 16, "document_max_length": 16} | changes)


def exported(folder: Path, backend: str) -> Encoder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPCA_BENCH_CACHE", str(folder.parent / "cache"))
        encoder = transformer(folder, backend=backend)
        encoder.encode_queries(["cat"])
    return encoder


def static(folder: Path) -> Encoder:
    write_static(folder)
    return from_table(type="static", checkpoint=str(folder))


def onnx_tokens(folder: Path) -> Encoder:
    write_tokenizer(folder)
    matrix = np.random.default_rng(0).normal(size=(len(VOCABULARY), 8)).astype(np.float32)
    write_token_model(folder / "model.onnx", matrix)
    return from_table(type="onnx", checkpoint=str(folder), tokenizer=str(folder), pooling="mean")


def onnx_texts(folder: Path) -> Encoder:
    folder.mkdir()
    write_text_model(folder / "model.onnx")
    return from_table(type="onnx", checkpoint=str(folder))


def sentence_transformers(folder: Path) -> Encoder:
    write_checkpoint(folder)
    modules = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    listed = [
        {"idx": int(i), "name": i, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, path, kind in modules
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    return from_table(type="sentence-transformers", checkpoint=str(folder), max_length=16)


def sentence_transformer_object(folder: Path) -> Encoder:
    from sentence_transformers import SentenceTransformer

    sentence_transformers(folder)
    return adapt(SentenceTransformer(str(folder), local_files_only=True), name="object")


def a_users_file(folder: Path) -> Encoder:
    folder.mkdir()
    code = "class Mine:\n    def encode(self, texts):\n        return [[t.count(c) for c in 'act. '] for t in texts]\n"
    (folder / "mine.py").write_text(code)
    return from_table(type="python", path=f"{folder / 'mine.py'}:Mine")


def post_processed(folder: Path) -> Encoder:
    inner = transformer(folder)
    return PostProcessedEncoder(inner, centring({"": inner.encode_queries(["cat", "sat", "mat"])}))


KINDS: dict[str, Callable[[Path], Encoder]] = {
    "bert": transformer,
    "xlm-roberta": lambda folder: transformer(folder, "xlm-roberta", pooling="cls"),
    "small batches": lambda folder: transformer(folder, batch_tokens=3, query_prompt="query: "),
    "exported to ONNX": lambda folder: exported(folder, "onnx"),
    "exported to OpenVINO": lambda folder: exported(folder, "openvino"),
    "static": static,
    "onnx with tokens": onnx_tokens,
    "onnx with texts": onnx_texts,
    "sentence-transformers": sentence_transformers,
    "a SentenceTransformer object": sentence_transformer_object,
    "python": a_users_file,
    "function": lambda folder: adapt(lambda texts: np.array([[len(t), t.count("a"), 1] for t in texts]), name="f"),
    "post-processed": post_processed,
}


@pytest.fixture(scope="module", params=KINDS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return KINDS[request.param](tmp_path_factory.mktemp("encoder") / "model")


def documents(texts: list[str]) -> list[Document]:
    return [Document(str(i), text) for i, text in enumerate(texts)]


def least_cosine(left: np.ndarray, right: np.ndarray) -> float:
    both_zero = ~left.any(axis=1) & ~right.any(axis=1)
    return float(np.where(both_zero, 1, np.sum(left * right, axis=1)).min())


def test_it_is_an_encoder(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.similarity == "cosine"
    assert encoder.dimension > 0
    assert len(encoder.identity.digest) == 64
    assert encoder.identity.name


def test_odd_texts_get_finite_normalised_rows(encoder: Encoder) -> None:
    for vectors in (encoder.encode_queries(TEXTS), encoder.encode_documents(documents(TEXTS))):
        assert vectors.shape == (len(TEXTS), encoder.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        norms = np.linalg.norm(vectors, axis=1)
        assert (np.isclose(norms, 1, atol=1e-4) | (norms == 0)).all()
    rows = dict(zip(ODD, vectors, strict=True))
    np.testing.assert_allclose(rows["plain"], rows["duplicate"], atol=1e-5)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode_queries([]).shape == (0, encoder.dimension)
    assert encoder.encode_documents([]).shape == (0, encoder.dimension)


def test_order_and_batching_do_not_matter(encoder: Encoder) -> None:
    """Tolerance: cosine at least 1 - 1e-5 (rounding of sums in another order)."""
    together = encoder.encode_queries(TEXTS)
    alone = np.concatenate([encoder.encode_queries([text]) for text in TEXTS])
    assert least_cosine(together, encoder.encode_queries(TEXTS[::-1])[::-1]) >= 1 - 1e-5
    assert least_cosine(together, alone) >= 1 - 1e-5


def test_the_same_call_gives_the_same_bytes(encoder: Encoder) -> None:
    assert encoder.encode_queries(TEXTS).tobytes() == encoder.encode_queries(TEXTS).tobytes()


def test_it_says_what_its_model_reads(encoder: Encoder) -> None:
    assert isinstance(encoder, ShowsTexts)
    assert encoder.shown_query("cat").endswith("cat")
    assert encoder.shown_document(Document("1", "sat", "Cat")).endswith("Cat sat")


def test_a_user_file_and_its_card_are_the_same_encoder(tmp_path: Path) -> None:
    by_card = a_users_file(tmp_path / "a")
    by_path = load_user_encoder(f"{tmp_path / 'a/mine.py'}:Mine")
    np.testing.assert_array_equal(by_card.encode_queries(TEXTS), by_path.encode_queries(TEXTS))
    assert by_card.identity.digest == by_path.identity.digest
