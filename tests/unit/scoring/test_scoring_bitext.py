"""Sentence retrieval: nearest neighbours, weighted F1 against sklearn, xSIM and mining against plain loops."""

import numpy as np
import pytest

from lapca_bench.errors import InputError
from lapca_bench.scoring import bitext


def vectors(seed: int, n: int = 40, noise: float = 0.6):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    return x, (x + noise * rng.normal(size=x.shape)).astype(np.float32)


def cosines(x, y):
    x, y = x / np.linalg.norm(x, axis=1, keepdims=True), y / np.linalg.norm(y, axis=1, keepdims=True)
    return x.astype(np.float64) @ y.T.astype(np.float64)


def test_nearest_is_the_first_maximum_and_blind_to_length():
    x = np.array([[1.0, 0.0], [0.0, 5.0]])
    y = np.array([[0.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
    assert bitext.nearest(x, y).tolist() == [1, 0]


def test_nearest_does_not_depend_on_blocks(monkeypatch):
    x, y = vectors(1, 300)
    whole = bitext.nearest(x, y)
    margins = bitext.ratio_margins(x, y)
    monkeypatch.setattr(bitext, "_CELLS", 1000)
    assert (bitext.nearest(x, y) == whole).all()
    assert (bitext.ratio_margins(x, y)[0] == margins[0]).all()


@pytest.mark.parametrize("seed", range(5))
def test_weighted_f1_is_sklearns(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    gold, predicted = rng.integers(0, 9, 60), rng.integers(0, 12, 60)
    expected = metrics.f1_score(gold, predicted, average="weighted", zero_division=0)
    assert bitext.weighted_f1(gold, predicted) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_xsim_against_plain_loops(seed):
    x, y = vectors(seed)
    similarity, k, wrong = cosines(x, y), 4, 0
    for i in range(len(x)):
        candidates = np.argsort(-similarity[i], kind="stable")[:k]
        own = np.sort(similarity[i])[-k:].mean()
        margins = [similarity[i, j] / ((own + np.sort(similarity[:, j])[-k:].mean()) / 2) for j in candidates]
        wrong += candidates[int(np.argmax(margins))] != i
    assert bitext.xsim_error(x, y) == pytest.approx(wrong / len(x))
    assert bitext.xsim_error(x, x) == 0.0


def test_mining_finds_aligned_pairs_and_tunes_its_threshold():
    x, y = vectors(7, 50, noise=0.3)
    rng = np.random.default_rng(0)
    y = np.vstack([y[:35], rng.normal(size=(20, 8)).astype(np.float32)])  # 15 sources without a partner
    gold = {(i, i) for i in range(35)}
    mined = bitext.mine(x, y)
    assert len(set(mined.source.tolist())) == len(mined.source) == len(set(mined.target.tolist()))
    assert (np.diff(mined.margins) <= 0).all()
    threshold = bitext.tune_threshold(mined, gold)
    tuned = bitext.mining_quality(mined, gold, threshold)
    others = [bitext.mining_quality(mined, gold, float(t)).f1 for t in mined.margins]
    assert tuned.f1 == pytest.approx(max(others))
    assert tuned.f1 > 0.9
    assert bitext.mining_quality(mined, gold, 1e9) == bitext.MiningQuality(0.0, 0.0, 0.0)


def test_threshold_by_hand():
    mined = bitext.MinedPairs(np.array([0, 1, 2, 3]), np.array([0, 1, 9, 3]), np.array([4.0, 3.0, 2.0, 1.0]))
    assert bitext.tune_threshold(mined, {(0, 0), (1, 1)}) == 2.5
    quality = bitext.mining_quality(mined, {(0, 0), (1, 1), (5, 5)}, 2.5)
    assert (quality.precision, quality.recall, quality.f1) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    with pytest.raises(InputError):
        bitext.tune_threshold(mined, {(7, 7)})


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros((0, 3)), np.ones((2, 3))),
        (np.ones((2, 3)), np.ones((2, 4))),
        (np.full((2, 3), np.nan), np.ones((2, 3))),
        (np.ones(3), np.ones((2, 3))),
    ],
)
def test_unusable_vectors_are_refused(x, y):
    with pytest.raises(InputError):
        bitext.nearest(x, y)


def test_unequal_labels_are_refused():
    with pytest.raises(InputError):
        bitext.weighted_f1([1, 2], [1])
