from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.static import StaticSettings
from lapca_bench.errors import InputError

pytest.importorskip("tokenizers")

from toys.checkpoints import VOCABULARY, write_static


def settings(folder: Path, **changes: object) -> StaticSettings:
    return StaticSettings.model_validate({"type": "static", "checkpoint": str(folder), **changes})


@pytest.mark.parametrize("layout", ["model2vec", "sentence-transformers"])
def test_the_mean_of_token_vectors_by_hand(tmp_path: Path, layout: str) -> None:
    matrix = write_static(tmp_path, layout=layout)
    cat, sat = VOCABULARY.index("cat"), VOCABULARY.index("sat")
    encoder = build(settings(tmp_path), "static")
    mean = (matrix[cat] + 2 * matrix[sat]) / 3
    [vector, unknown, empty] = encoder.encode_queries(["cat sat sat", "漢", ""])
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    assert not unknown.any()
    assert not empty.any()
    [short] = build(settings(tmp_path, dimension=4), "static").encode_queries(["cat sat sat"])
    np.testing.assert_allclose(short, mean[:4] / np.linalg.norm(mean[:4]), atol=1e-6)
    [raw] = build(settings(tmp_path, similarity="dot", normalise=False), "static").encode_queries(["cat sat sat"])
    np.testing.assert_allclose(raw, mean, atol=1e-6)


def test_token_weights_mappings_and_int8_matrices(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    write_static(tmp_path)
    draw = np.random.default_rng(3)
    rows = draw.integers(-127, 128, size=(10, 6)).astype(np.int8)
    mapping = draw.integers(0, 10, size=len(VOCABULARY))
    weights = draw.random(len(VOCABULARY))
    save_file({"embeddings": rows, "mapping": mapping, "weights": weights}, tmp_path / "model.safetensors")
    cat, sat = VOCABULARY.index("cat"), VOCABULARY.index("sat")
    expected = sum(rows[mapping[i]].astype(float) * weights[i] for i in (cat, sat))
    [vector] = build(settings(tmp_path), "static").encode_queries(["cat sat"])
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_malformed_folders_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 safetensors files"):
        build(settings(tmp_path), "static")
    write_static(tmp_path)
    with pytest.raises(InputError, match="no matrix of token vectors") as caught:
        build(settings(tmp_path, tensor="absent"), "static").encode_queries(["cat"])
    assert "embeddings" in str(caught.value)
    with pytest.raises(InputError, match="has 16 columns"):
        build(settings(tmp_path, dimension=17), "static").encode_queries(["cat"])
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(InputError, match="cannot read"):
        build(settings(tmp_path), "static").encode_queries(["cat"])
