"""Costs follow from rates: linear in documents, shared by machines, memory almost flat."""

import pytest

from lapca_bench.experiment.estimate import Rates, cost

RATES = Rates(documents=10, operations=1e11)
COMMON = {"dimension": 384, "queries": 1000, "depth": 100, "bytes_per_value": 4}


def test_a_hand_worked_cost() -> None:
    found = cost(RATES, documents=1_000_000, workers=1, **COMMON)
    assert found.encode_seconds == 100_000
    assert found.search_seconds == pytest.approx(2 * 1000 * 1_000_000 * 384 / 1e11)
    assert found.disk_bytes == pytest.approx(1_000_000 * 384 * 4, rel=0.01)


def test_machines_share_the_time_and_not_the_disk() -> None:
    one, four = (cost(RATES, documents=18_003_200, workers=workers, **COMMON) for workers in (1, 4))
    assert four.encode_seconds == pytest.approx(one.encode_seconds / 4)
    assert four.search_seconds == pytest.approx(one.search_seconds / 4)
    assert four.disk_bytes == one.disk_bytes


def test_the_largest_corpus_of_the_field_is_searched_in_two_gibibytes() -> None:
    assert cost(RATES, documents=32_907_100, workers=1, **COMMON).resident_bytes < 2 << 30
