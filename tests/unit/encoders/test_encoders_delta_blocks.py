"""Changes of weights in 4 bits: what comes back, what does not fit, and the gate that writes them."""

import pytest

torch = pytest.importorskip("torch")

from lapca_bench.encoders.weights.delta_blocks import BLOCK, in_blocks, out_of_blocks  # noqa: E402


def test_numbers_come_back_within_half_a_step_of_their_block() -> None:
    torch.manual_seed(0)
    change = torch.randn(3, 5, 2 * BLOCK) * 10.0 ** torch.randint(-4, 1, (3, 5, 1))
    stored = in_blocks({"one": change, "bias": torch.tensor([0.5, -1.0]), "odd": torch.ones(2, 3)})
    assert sum(value.nbytes for value in stored.values()) < change.numel() * 0.6
    found = out_of_blocks(stored)
    assert found["bias"].tolist() == [0.5, -1.0]
    assert found["odd"].shape == (2, 3)
    steps = change.reshape(3, 5, 2, BLOCK).abs().amax(-1, keepdim=True) / 7
    error = (found["one"] - change).reshape(3, 5, 2, BLOCK).abs()
    assert (error <= steps * 0.51 + 1e-6).all()


def test_multiples_of_the_scale_come_back_exactly_and_zeros_stay() -> None:
    numbers = (torch.arange(BLOCK) % 15 - 7.0).repeat(2, 1)
    numbers[1] = 0
    assert torch.equal(out_of_blocks(in_blocks({"w": numbers / 8}))["w"], numbers / 8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"w|numbers": torch.zeros(1, BLOCK // 2, dtype=torch.uint8)},
        {"w|scales": torch.zeros(1, 1, dtype=torch.float16)},
        {"w|numbers": torch.zeros(1, 3, dtype=torch.uint8), "w|scales": torch.zeros(1, 1, dtype=torch.float16)},
        {"w|numbers": torch.zeros(1, BLOCK // 2), "w|scales": torch.zeros(1, 1, dtype=torch.float16)},
        {"w|other": torch.zeros(1)},
    ],
)
def test_parts_that_do_not_fit_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match="belong"):
        out_of_blocks(wrong)
