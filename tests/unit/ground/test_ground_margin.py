"""The ratio margin: one formula with the types of its four users, and zero where a text has no neighbour at all."""

import numpy as np
import pytest

from lapca_bench.margin import ratio_margin
from lapca_bench.scoring.bitext import ratio_margins as margins_of_nearest
from lapca_bench.training.mining.margin import ratio_margins


@pytest.mark.parametrize(
    ("cosines", "means"), [("float32", "float32"), ("float32", "float64"), ("float64", "float64")], ids="abc"
)
def test_the_ratio_is_the_formula_to_the_bit_in_the_type_of_the_means(cosines: str, means: str) -> None:
    random = np.random.default_rng(0)
    cells = random.uniform(-1, 1, (7, 4)).astype(cosines)
    own, other = (random.uniform(-1, 1, shape).astype(means) for shape in ((7, 1), (7, 4)))
    found = ratio_margin(cells, own, other)
    assert found.dtype == means
    np.testing.assert_array_equal(found, cells / ((own + other) / 2))


def test_a_text_without_any_known_token_has_margins_of_zero() -> None:
    """Its vector is zero, and so may be the cosines of its neighbours: 0/0 is no margin."""
    left = np.array([[1, 0, 0], [0, 0, 0]], dtype=np.float32)
    right = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    of_all = ratio_margins(left, right, 1)
    np.testing.assert_array_equal(of_all, [[1, 0, 0], [0, 0, 0]])
    places, of_nearest = margins_of_nearest(left, right[1:], 1)
    np.testing.assert_array_equal(places[:, 0], [0, 0])
    np.testing.assert_array_equal(of_nearest[:, 0], [0, 0])
