"""The table of an ablation: differences paired by query, seeds averaged, p-values corrected over the whole table."""

import numpy as np
import pandas as pd
import pytest

from lapca_bench.report.ablation import markdown, rows


def frame(values: list[float], collection: str = "c") -> pd.DataFrame:
    names = [f"q{number}" for number in range(len(values))]
    return pd.DataFrame({"collection": collection, "measure": "nDCG@10", "query": names, "value": values})


def test_rows_by_hand() -> None:
    """Differences are paired by query, whatever the order of the rows of a file."""
    reference, other = frame([0.0, 0.5, 1.0]), frame([0.1, 0.6, 1.1]).iloc[::-1]
    first, second = rows({"reference": [reference], "other": [other]}, "reference")
    assert (first.mean, first.difference, first.p_holm) == (0.5, 0.0, 1.0)
    assert second.mean == pytest.approx(0.6)
    assert second.difference == pytest.approx(0.1)
    assert second.difference_low == pytest.approx(0.1)
    assert second.difference_high == pytest.approx(0.1)
    shown = markdown([first, second]).splitlines()
    assert shown[2].endswith("| – |")
    assert "+10.0 [+10.0, +10.0]" in shown[3]


def test_p_values_are_corrected_over_all_variants() -> None:
    random = np.random.default_rng(3)
    frames = {"reference": [frame(list(random.random(40)))]}
    frames |= {f"v{number}": [frame(list(random.random(40)))] for number in range(8)}
    corrected = [row.p_holm for row in rows(frames, "reference")]
    alone = [
        next(r for r in rows({"reference": frames["reference"], n: frames[n]}, "reference") if r.variant == n)
        for n in list(frames)[1:]
    ]
    assert min(corrected[1:]) == pytest.approx(min(1.0, 8 * min(row.p_holm for row in alone)))


def test_seeds_are_averaged_query_by_query() -> None:
    seeds = [frame([0.0, 0.4]), frame([1.0, 0.2]).iloc[::-1]]
    (_, other) = rows({"reference": [frame([0.5, 0.3])], "other": seeds}, "reference")
    assert (other.mean, other.difference) == (pytest.approx(0.4), pytest.approx(0.0))


def test_the_test_is_chosen_by_name() -> None:
    frames = {"reference": [frame([0.0, 0.1, 0.0, 0.3])], "other": [frame([0.5, 0.4, 0.9, 0.3])]}
    by_t, by_permutation = (list(rows(frames, "reference", test))[1].p_holm for test in ("t", "permutation"))
    assert by_t != by_permutation
