"""A delta in few bits passes a gate, and remembers what the delta that it goes on from has seen."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.training import recipe, source  # noqa: E402

from lapca_bench.encoders.weights.delta import delta_header  # noqa: E402
from lapca_bench.errors import InputError, UsageError  # noqa: E402
from lapca_bench.search.kinds import read_card  # noqa: E402
from lapca_bench.training.loop import Training  # noqa: E402
from lapca_bench.training.shipping import ship  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(start, pairs, folder, facts, **encoder):
    made = recipe(start, encoder=encoder, objective={"mlm": 0.0}, optimisation={"steps": 2})
    return Training(made, source(made, pairs), folder, facts=facts).run().checkpoint


def test_four_bits_are_refused_where_a_vector_moves(start, pairs, tmp_path, monkeypatch) -> None:
    checkpoint = trained(start, pairs, tmp_path / "run", {})
    ship([checkpoint], tmp_path / "small", bits=4)
    assert "in 4 bits" in (tmp_path / "small/README.md").read_text(encoding="utf-8")
    assert "--bits 4" in (tmp_path / "small/README.md").read_text(encoding="utf-8")
    coarse = {"in_blocks": lambda changes: {name: -value for name, value in changes.items()}}
    monkeypatch.setattr("lapca_bench.training.shipping.in_blocks", coarse["in_blocks"])
    with pytest.raises(UsageError, match="a vector differs"):
        ship([checkpoint], tmp_path / "coarse", bits=4)
    assert not (tmp_path / "coarse/delta.safetensors").exists()
    with pytest.raises(UsageError, match="5 bits"):
        ship([checkpoint], tmp_path / "coarse", bits=5)


def test_a_delta_that_goes_on_from_another_has_seen_what_that_has(start, pairs, tmp_path) -> None:
    first = trained(start, pairs, tmp_path / "one", {"corpora": "b, a"})
    ship([first], tmp_path / "before")
    second = trained(start, pairs, tmp_path / "two", {"corpora": "c"}, delta=str(tmp_path / "before/delta.safetensors"))
    ship([second], tmp_path / "after")
    assert read_card(tmp_path / "after/card.toml").trained_on == ["a", "b", "c"]
    told = (tmp_path / "after/README.md").read_text(encoding="utf-8")
    assert "| corpora | a, b, c |" in told
    assert str(tmp_path) not in told.split("## Settings")[1].replace(str(start), "")
    assert str(tmp_path / "before") not in delta_header(tmp_path / "after/delta.safetensors")["recipe"]
    (tmp_path / "none").write_bytes(b"no")
    with pytest.raises(InputError, match="not a readable delta"):
        delta_header(tmp_path / "none")
