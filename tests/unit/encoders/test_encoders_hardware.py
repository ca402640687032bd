"""Where models run is a user's choice: a device that is not there is refused, precision is part of the identity."""

import numpy as np
import pytest
from toys import checkpoints

from lapca_bench.encoders.hardware import Hardware, device_named
from lapca_bench.errors import UsageError

torch = pytest.importorskip("torch")


@pytest.fixture
def settings(tmp_path):
    checkpoints.write_checkpoint(tmp_path / "model")
    return checkpoints.settings(tmp_path / "model")


def test_words_that_mean_nothing_are_refused():
    for wrong in ({"device": "gpu"}, {"dtype": "int8"}, {"batch_tokens": 0}):
        with pytest.raises(UsageError):
            Hardware(**wrong)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_here_is_named():
    assert device_named("auto") == "cpu"
    with pytest.raises(UsageError, match="no GPU here"):
        device_named("cuda:1")
    assert Hardware("auto", "auto").changes == {"device": "auto", "dtype": "float32"}


def test_nothing_asked_changes_nothing(settings):
    assert settings.on(Hardware()) is settings


def test_the_device_is_no_part_of_the_identity_and_the_precision_is(settings):
    plain = settings.encoder("m").identity.digest
    assert settings.on(Hardware("cpu", batch_tokens=64)).encoder("m").identity.digest == plain
    assert settings.on(Hardware("cpu", "bfloat16")).encoder("m").identity.digest != plain


def test_half_precision_is_pooled_in_single(settings):
    texts = ["ab cd", "ef", "gh ij kl"]
    whole = settings.encoder("m").encode_queries(texts)
    half = settings.on(Hardware("cpu", "bfloat16")).encoder("m").encode_queries(texts)
    assert half.dtype == np.float32
    assert np.abs(np.linalg.norm(half, axis=1) - 1).max() < 1e-5
    assert (whole * half).sum(axis=1).min() > 0.99
