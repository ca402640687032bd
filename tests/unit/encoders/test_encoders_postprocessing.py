from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lapca_bench.encoders import adapt
from lapca_bench.encoders.postprocessing import (
    PostProcessedEncoder,
    centring,
    language_mean_removal,
    lir,
    whitening,
)
from lapca_bench.errors import EncoderError, UsageError
from lapca_bench.types import Document


def vectors(width: int = 8) -> dict[str, np.ndarray]:
    """Three languages that share a cloud of meanings and differ by an offset each."""
    draw = np.random.default_rng(0)
    meanings = draw.normal(size=(200, width))
    offsets = {"de": 5, "en": -3, "ru": 9}
    found = {}
    for language, size in offsets.items():
        noise = draw.normal(size=meanings.shape) * 0.05
        found[language] = (meanings + size * draw.normal(size=width) + noise).astype(np.float32)
    return found


def test_centring_by_hand() -> None:
    given = vectors()
    fitted = centring(given)
    for language, rows in given.items():
        np.testing.assert_allclose(fitted.map_for(language).apply(rows), rows - rows.mean(axis=0), atol=1e-5)
    with pytest.raises(UsageError, match="not fitted for language 'fr'"):
        fitted.map_for("fr")


def test_whitening_makes_the_covariance_the_identity() -> None:
    everything = np.concatenate(list(vectors().values()))
    white = whitening(vectors()).map_for("any").apply(everything)
    np.testing.assert_allclose(white.mean(axis=0), np.zeros(8), atol=1e-4)
    np.testing.assert_allclose(np.cov(white, rowvar=False, bias=True), np.eye(8), atol=1e-3)
    assert whitening(vectors(), dimension=3).map_for("any").apply(everything).shape == (600, 3)


def test_language_means_coincide_after_their_subspace_is_removed() -> None:
    given = vectors()
    fitted = language_mean_removal(given)
    means = np.stack([fitted.map_for("any").apply(rows).mean(axis=0) for rows in given.values()])
    np.testing.assert_allclose(means - means.mean(axis=0), np.zeros_like(means), atol=1e-4)
    unchanged = language_mean_removal(given, components=0).map_for("de").apply(given["de"])
    np.testing.assert_allclose(unchanged, given["de"], atol=1e-5)


def test_lir_removes_the_leading_singular_directions_of_a_language() -> None:
    given = vectors()
    fitted = lir(given, components=2)
    for language, rows in given.items():
        _, _, directions = np.linalg.svd(rows.astype(np.float64), full_matrices=False)
        expected = rows - rows @ directions[:2].T @ directions[:2]
        np.testing.assert_allclose(fitted.map_for(language).apply(rows), expected, atol=1e-3)


@pytest.mark.parametrize("fit", [centring, language_mean_removal, whitening, lir])
def test_translations_come_nearer_to_each_other_than_to_their_own_language(fit: Any) -> None:
    given = vectors()
    before = _mates_found(given)
    fitted = fit(given)
    after = _mates_found({language: fitted.map_for(language).apply(rows) for language, rows in given.items()})
    assert before < 0.5
    assert after > before


def _mates_found(given: Mapping[str, np.ndarray]) -> float:
    """Share of German rows whose nearest row, over English and the other German ones, is their translation."""
    unit = {language: rows / np.linalg.norm(rows, axis=1, keepdims=True) for language, rows in given.items()}
    own = unit["de"] @ unit["de"].T
    np.fill_diagonal(own, -2)
    best = np.concatenate([unit["de"] @ unit["en"].T, own], axis=1).argmax(axis=1)
    return float((best == np.arange(len(best))).mean())


def test_an_encoder_with_a_head_treats_each_text_by_its_language() -> None:
    inner = adapt(lambda texts: np.array([[len(t), t.count("a"), 1.0] for t in texts]), name="toy", similarity="dot")
    fitted = centring({"de": np.array([[1, 1, 1]], np.float32), "en": np.array([[2, 0, 1]], np.float32)})
    encoder = PostProcessedEncoder(inner, fitted)
    documents = [
        Document("1", "aa", language="de"),
        Document("2", "aa", language="en"),
        Document("3", "", language="de"),
    ]
    assert encoder.encode_documents(documents).tolist() == [[1, 1, 0], [0, 2, 0], [-1, -1, 0]]
    assert encoder.encode_documents(documents[:1], language="en").tolist() == [[0, 2, 0]]
    assert encoder.encode_queries(["aa"], language="en").tolist() == [[0, 2, 0]]
    assert encoder.encode_documents([]).shape == (0, 3)
    assert encoder.identity.name == "toy + centring"
    assert encoder.shown_query("aa") == "aa"
    with pytest.raises(UsageError, match="not fitted for language 'none'"):
        encoder.encode_queries(["aa"])


def test_the_identity_follows_the_fitted_maps_and_the_inner_encoder() -> None:
    inner = adapt(lambda texts: np.array([[len(t), 1.0, 2.0] for t in texts]), name="toy")
    other = adapt(lambda texts: np.array([[len(t), 2.0, 2.0] for t in texts]), name="toy")
    given = vectors(3)
    digests = {
        PostProcessedEncoder(inner, centring(given)).identity.digest,
        PostProcessedEncoder(other, centring(given)).identity.digest,
        PostProcessedEncoder(inner, centring({k: v[:100] for k, v in given.items()})).identity.digest,
        PostProcessedEncoder(inner, lir(given)).identity.digest,
        PostProcessedEncoder(inner, lir(given, components=2)).identity.digest,
    }
    assert len(digests) == 5
    assert PostProcessedEncoder(inner, centring(given), "n").identity.digest in digests


def test_what_cannot_be_fitted_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="at least one vector of every language"):
        centring({})
    with pytest.raises(UsageError, match="at least one vector of every language"):
        centring({"de": np.empty((0, 3), np.float32)})
    with pytest.raises(EncoderError, match="different dimensions"):
        lir({"de": np.ones((2, 3), np.float32), "en": np.ones((2, 4), np.float32)})
    with pytest.raises(UsageError, match="between 1 and 7 components"):
        lir(vectors(), components=8)
    with pytest.raises(UsageError, match="at most 2 directions"):
        language_mean_removal(vectors(), components=3)
    with pytest.raises(UsageError, match="nothing to whiten"):
        whitening({"de": np.ones((5, 3), np.float32)})
