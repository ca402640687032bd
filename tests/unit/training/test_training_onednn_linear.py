"""Linear layers by oneDNN: values and gradients of torch's own layer, which takes over where they do not fit."""

import copy

import pytest

torch = pytest.importorskip("torch")

from lapca_bench.encoders.weights.packed import multiplies  # noqa: E402
from lapca_bench.training.model.onednn_linear import multiply_by_onednn  # noqa: E402


class Model(torch.nn.Module):
    """What the layers' owner must have of a transformers model."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, *, bias: bool = True) -> None:
        super().__init__()
        self.inner = torch.nn.Sequential(torch.nn.Linear(5, 7, bias=bias), torch.nn.GELU(), torch.nn.Linear(7, 3))

    def forward(self, rows):
        return self.inner(rows)


def both(**settings):
    torch.manual_seed(1)
    plain = Model(**settings)
    other = copy.deepcopy(plain)
    if not multiplies(other):
        pytest.skip("this build of torch has no oneDNN")
    multiply_by_onednn(other)
    assert [type(layer).__name__ for layer in other.inner] == ["OneDNNLinear", "GELU", "OneDNNLinear"]
    return plain, other


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 5), (1, 5), (2, 2, 2, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_torch(shape, bias) -> None:
    found = []
    for model in both(bias=bias):
        rows = torch.linspace(-1, 1, torch.Size(shape).numel()).view(shape).requires_grad_()
        result = model(rows)
        result.sin().sum().backward()
        found.append([result.detach(), rows.grad, *(value.grad for value in model.parameters())])
    assert found[1][0].shape == (*shape[:-1], 3)
    torch.testing.assert_close(found[1], found[0])


def test_frozen_weights_and_rows_get_no_gradient() -> None:
    plain, other = both()
    for model in (plain, other):
        model.inner[0].requires_grad_(requires_grad=False)
        model(torch.ones(2, 5)).sum().backward()
    assert other.inner[0].weight.grad is None
    torch.testing.assert_close(other.inner[2].weight.grad, plain.inner[2].weight.grad)


def test_names_weights_and_copies_stay() -> None:
    plain, other = both()
    assert plain.state_dict().keys() == other.state_dict().keys()
    rows = torch.ones(2, 5)
    torch.testing.assert_close(copy.deepcopy(other)(rows), plain(rows))


def test_other_precisions_and_no_rows_go_to_torch() -> None:
    plain, other = both()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(other(torch.ones(2, 5)), plain(torch.ones(2, 5)))
    assert other(torch.ones(0, 5)).shape == (0, 3)
    assert torch.equal(other.double()(torch.ones(2, 5).double()), plain.double()(torch.ones(2, 5).double()))


def test_a_model_of_another_precision_is_left_alone() -> None:
    model = Model()
    model.dtype = torch.bfloat16
    multiply_by_onednn(model)
    assert type(model.inner[0]) is torch.nn.Linear
