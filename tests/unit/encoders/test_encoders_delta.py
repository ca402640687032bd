"""A delta over its base is the trained model; over anything else, or damaged, it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lapca_bench.encoders import build
from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.errors import InputError, UsageError
from lapca_bench.search.kinds import read_card

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.checkpoints import settings, write_checkpoint  # noqa: E402

from lapca_bench.encoders.weights.delta import BASE, base_digest, difference, write_delta  # noqa: E402
from lapca_bench.encoders.weights.network import load_model  # noqa: E402

TEXTS = ["Cat", "the mat . the cat sat", "zebra 42"]
MOVED = "encoder.layer.1.output.dense.weight"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "base")


def delta_of(folder: Path, path: Path, **values: torch.Tensor) -> Path:
    """A delta of one tensor over a checkpoint; `values` replace or add tensors."""
    tensors = {MOVED: torch.full((16, 24), 0.01, dtype=torch.float16)} | {
        name.replace("__", "."): value for name, value in values.items()
    }
    write_delta(path, tensors, {BASE: base_digest(load_model(folder, "float32"))})
    return path


def test_delta_over_base_is_the_trained_model_up_to_rounding(base: Path, tmp_path: Path) -> None:
    """A change of about 1e-2 is rounded to 2^-11 of itself: cosines agree to 1e-6, where the change itself shows."""
    before, trained = load_model(base, "float32"), load_model(base, "float32")
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in trained.encoder.layer[1].parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    changes = difference(before, trained)
    assert all(name.startswith("encoder.layer.1.") for name in changes)
    assert len(changes) == len(list(trained.encoder.layer[1].parameters()))
    trained.save_pretrained(tmp_path / "trained")
    (tmp_path / "trained/tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    write_delta(tmp_path / "delta.safetensors", changes, {BASE: base_digest(before)})
    whole = build(settings(tmp_path / "trained"), "whole").encode_queries(TEXTS)
    small = build(settings(base, delta=str(tmp_path / "delta.safetensors")), "small").encode_queries(TEXTS)
    plain = build(settings(base), "plain").encode_queries(TEXTS)
    assert (np.sum(whole * small, axis=1) > 1 - 1e-6).all()
    assert (np.sum(whole * plain, axis=1) < 1 - 1e-4).all()


def test_its_content_is_part_of_the_identity_and_its_path_is_not(base: Path, tmp_path: Path) -> None:
    one = delta_of(base, tmp_path / "one.safetensors")
    same = tmp_path / "same.safetensors"
    same.write_bytes(one.read_bytes())
    other = delta_of(base, tmp_path / "other.safetensors", **{MOVED: torch.zeros(16, 24, dtype=torch.float16)})
    digests = [build(settings(base, delta=str(path)), "m").identity.digest for path in (one, same, other)]
    plain = build(settings(base), "m").identity
    assert digests[0] == digests[1]
    assert len({*digests, plain.digest}) == 3
    assert "delta" not in plain.settings


def test_unused_random_poolers_do_not_matter(base: Path) -> None:
    """A pooler that the weights lack is drawn anew at each loading."""
    one, other = load_model(base, "float32"), load_model(base, "float32")
    with torch.no_grad():
        other.pooler.dense.weight += 1
    assert base_digest(one) == base_digest(other)
    with pytest.raises(UsageError, match="no weight"):
        difference(one, other)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder__layer__7__x": torch.zeros(2, dtype=torch.float16)}, "no such tensor"),
        ({MOVED: torch.zeros(3, dtype=torch.float16)}, r"is \(3,\), the model has \(16, 24\)"),
        ({MOVED: torch.full((16, 24), float("nan"), dtype=torch.float16)}, "no finite numbers"),
        ({MOVED: torch.full((16, 24), float("inf"), dtype=torch.float16)}, "no finite numbers"),
        ({MOVED: torch.ones((16, 24), dtype=torch.int8)}, "no finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(base: Path, tmp_path: Path, values: Any, message: str) -> None:
    path = delta_of(base, tmp_path / "delta.safetensors", **values)
    with pytest.raises(InputError, match=message) as caught:
        build(settings(base, delta=str(path)), "m").encode_queries(TEXTS)
    assert caught.value.path == path


def test_another_base_and_damaged_files_are_refused(base: Path, tmp_path: Path) -> None:
    path = delta_of(base, tmp_path / "delta.safetensors")
    another = write_checkpoint(tmp_path / "another", seed=9)
    with pytest.raises(InputError, match="another base model"):
        build(settings(another, delta=str(path)), "m").encode_queries(TEXTS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a readable delta"):
        build(settings(base, delta=str(path)), "m").encode_queries(TEXTS)
    with pytest.raises(ValueError, match="one model for both sides"):
        settings(base, delta=str(path), query_checkpoint=str(another))


def test_changes_that_float16_cannot_hold(base: Path) -> None:
    before, after = load_model(base, "float32"), load_model(base, "float32")
    with torch.no_grad():
        after.encoder.layer[0].output.dense.weight += 1e6
    with pytest.raises(InputError, match="not finite in float16"):
        difference(before, after)


def test_a_card_names_its_delta_from_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    head = 'name = "m"\ntitle = "M"\nkind = "dense"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\nlanguages = ["*"]\n'
    table = '[encoder]\ntype = "transformer"\ncheckpoint = "x"\npooling = "mean"\ndelta = "../models/d.safetensors"\n'
    (tmp_path / "cards/m.toml").write_text(head + table, encoding="utf-8")
    card = read_card(tmp_path / "cards/m.toml")
    assert isinstance(card.encoder, TransformerSettings)
    assert card.encoder.delta == str(tmp_path / "models/d.safetensors")
