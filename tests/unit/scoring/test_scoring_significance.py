"""Significance: p-values against scipy and full enumeration, Holm, family-wise error under the null, shared ranks."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lapca_bench.errors import InputError, UsageError
from lapca_bench.scoring import Settings, compare, intervals
from lapca_bench.scoring.ranks import pairwise_t, shared_ranks
from lapca_bench.scoring.significance import holm, paired_t, permutation

FAST = Settings(permutations=999, bootstrap=500)


def frame(values, queries=None):
    names = queries or [f"q{i:03d}" for i in range(len(values))]
    return pd.DataFrame({"query": names, "language": "", "measure": "RR@10", "value": np.asarray(values, dtype=float)})


def test_every_pair_at_once_is_every_pair_alone():
    """Rows that differ a lot, by a hair, by a constant, in one query, and not at all."""
    rng = np.random.default_rng(5)
    rows = list(rng.random((6, 300)))
    rows += [rows[0] + 1e-9 * rng.random(300), rows[0] + 0.25, rows[0].copy(), np.ones(300), np.full(300, 0.5)]
    rows.append(np.where(np.arange(300) == 7, rows[1] + 1e-5, rows[1]))
    values = np.vstack(rows)
    first, second = np.triu_indices(len(values), 1)
    assert pairwise_t(values) == pytest.approx(paired_t(values[first] - values[second]), rel=1e-6, abs=1e-300)
    assert pairwise_t(values[:, :1]).tolist() == [1.0] * len(first)


def test_paired_t_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 30)), rng.random((4, 30))
    expected = [stats.ttest_rel(x, y).pvalue for x, y in zip(a, b, strict=True)]
    assert paired_t(a - b) == pytest.approx(expected)


def test_equal_differences_have_no_variance_to_test():
    assert paired_t(np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])).tolist() == [1.0, 0.0]
    assert paired_t(np.array([[0.5]])).tolist() == [1.0]


def test_permutation_agrees_with_all_sign_flips():
    differences = np.array([0.3, -0.1, 0.4, 0.2, 0.25, -0.05, 0.1, 0.3, 0.2, 0.15])
    observed = abs(differences.sum())
    flips = [abs(np.dot(signs, differences)) >= observed - 1e-12 for signs in product((-1, 1), repeat=10)]
    p = permutation(differences[None], 50_000, seed=1)[0]
    assert p == pytest.approx(np.mean(flips), abs=0.002)


def test_permutation_is_seeded_and_never_zero():
    differences = np.full((1, 40), 0.5)
    assert permutation(differences, 999, seed=1)[0] == pytest.approx(1 / 1000)
    assert permutation(np.zeros((1, 5)), 99, seed=1)[0] == 1.0
    spread = np.random.default_rng(0).normal(size=(3, 20))
    assert (permutation(spread, 500, 7) == permutation(spread, 500, 7)).all()


def test_holm_by_hand_and_in_order():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]).tolist() == pytest.approx([1.0, 1.0])
    p = np.random.default_rng(0).random((5, 7))
    assert np.array_equal(holm(p), [holm(row) for row in p])


@pytest.mark.parametrize("test", ["t", "permutation"])
def test_family_wise_error_under_the_null_is_held(test):
    """Ten equal systems, 45 pairs: a corrected p < .05 in at most 6 % of tables, an uncorrected one in over 40 %."""
    rng = np.random.default_rng(11)
    tables = 1000 if test == "t" else 300
    first, second = np.triu_indices(10, 1)
    values = rng.normal(size=(tables, 10, 50)) + rng.normal(size=(tables, 1, 50))
    differences = values[:, first] - values[:, second]
    p = paired_t(differences) if test == "t" else permutation(differences.reshape(-1, 50), 2_000, 3).reshape(tables, -1)
    assert (holm(p).min(axis=1) < 0.05).mean() <= 0.06
    assert (p.min(axis=1) < 0.05).mean() > 0.4


def test_intervals_cover_and_match_scipy():
    rng = np.random.default_rng(2)
    values = rng.normal(0.4, 0.2, size=(1, 80))
    low, high = intervals(values, samples=20_000)[0]
    reference = stats.bootstrap((values[0],), np.mean, n_resamples=20_000, method="percentile", rng=rng)
    assert (low, high) == pytest.approx(reference.confidence_interval, abs=0.003)
    samples = rng.normal(size=(400, 60))
    bounds = intervals(samples, samples=1000)
    assert ((bounds[:, 0] <= 0) & (bounds[:, 1] >= 0)).mean() == pytest.approx(0.94, abs=0.03)
    assert intervals(np.full((1, 5), 0.25))[0].tolist() == [0.25, 0.25]


def test_compare_every_pair_with_effect():
    rng = np.random.default_rng(4)
    base = rng.random(60)
    frames = {"a": frame(base), "b": frame(base + 0.1 + 0.01 * rng.random(60)), "c": frame(rng.permutation(base))}
    found = compare(frames, "MRR@10", FAST)
    assert [(c.first, c.second) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    ab = found[0]
    assert ab.difference == pytest.approx((frames["a"]["value"] - frames["b"]["value"]).mean())
    assert ab.low < ab.difference < ab.high < 0
    d = frames["a"]["value"] - frames["b"]["value"]
    assert ab.effect == pytest.approx(d.mean() / d.std(ddof=1))
    assert ab.significant
    assert not found[1].significant
    assert [c.test for c in found] == ["t"] * 3
    assert [c.p_uncorrected for c in found] == pytest.approx([float(paired_t(d)) for d in _differences(frames)])
    assert [c.p_holm for c in found] == pytest.approx(holm([c.p_uncorrected for c in found]).tolist())
    drawn = compare(frames, "RR@10", replace(FAST, test="permutation"))
    assert [c.p_uncorrected for c in drawn] == pytest.approx(
        permutation(np.vstack(_differences(frames)), FAST.permutations, FAST.seed).tolist()
    )
    assert compare(frames, "RR@10", FAST) == found


def _differences(frames):
    values = [frames[name]["value"].to_numpy() for name in frames]
    return [first - second for first, second in combinations(values, 2)]


def test_pairs_of_all_measures_are_corrected_together():
    rng = np.random.default_rng(8)
    frames = {
        name: pd.concat([frame(rng.random(40)), frame(rng.random(40)).assign(measure="P@1")]) for name in ("a", "b")
    }
    found = compare(frames, ["RR@10", "P@1"], FAST)
    assert [c.p_holm for c in found] == pytest.approx(holm([c.p_uncorrected for c in found]).tolist())
    assert max(c.p_holm / c.p_uncorrected for c in found) > 1


def test_translations_are_one_observation():
    rng = np.random.default_rng(9)
    one, two = rng.random(30), rng.random(30)
    names = [f"{language}:q{i:02d}" for language in ("de", "fi") for i in range(30)]
    twice = {"a": frame(np.tile(one, 2), names), "b": frame(np.tile(two, 2), names)}
    ids = [f"q{i:02d}" for i in range(30)]
    (alone,) = compare({"a": frame(one, ids), "b": frame(two, ids)}, "RR@10", FAST)
    (together,) = compare(twice, "RR@10", FAST, translations="{language}:{query}")
    assert (together.queries, together.observations) == (60, 30)
    assert together.p_holm == pytest.approx(alone.p_holm)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    (raw,) = compare(twice, "RR@10", FAST)
    assert raw.p_holm < alone.p_holm


def test_order_of_rows_does_not_matter():
    values = np.random.default_rng(1).random(30)
    one, two = frame(values), frame(values**2)
    assert compare({"a": one, "b": two}, "RR@10", FAST) == compare({"a": one, "b": two.iloc[::-1]}, "RR@10", FAST)


def test_identical_systems_are_not_different():
    (found,) = compare({"a": frame([0.1, 0.5]), "b": frame([0.1, 0.5])}, "RR@10", FAST)
    assert (found.difference, found.effect, found.p_uncorrected, found.p_holm) == (0.0, 0.0, 1.0, 1.0)


def test_systems_scored_on_different_queries_are_refused():
    with pytest.raises(InputError, match="same queries"):
        compare({"a": frame([0.1, 0.2]), "b": frame([0.1])}, "RR@10", FAST)
    with pytest.raises(InputError, match="twice"):
        compare({"a": frame([0.1, 0.2], ["q", "q"]), "b": frame([0.1, 0.2])}, "RR@10", FAST)
    with pytest.raises(InputError, match="nothing"):
        compare({"a": frame([0.1]), "b": frame([0.1])}, "P@10", FAST)
    with pytest.raises(UsageError):
        compare({"a": frame([0.1])}, "RR@10", FAST)


def test_systems_that_cannot_be_told_apart_share_a_rank():
    rng = np.random.default_rng(6)
    base = rng.random(80)
    best, twin, middle, last = (
        base + 0.3,
        base + 0.3 + rng.normal(0, 0.05, 80),
        base + 0.15 + rng.normal(0, 0.05, 80),
        base,
    )
    assert shared_ranks(np.vstack([best, twin, middle, last])) == [1, 1, 3, 4]
    assert shared_ranks(best[None]) == [1]
    assert shared_ranks(np.zeros((3, 4))) == [1, 1, 1]


def test_ranks_are_those_of_the_compared_pairs():
    rng = np.random.default_rng(5)
    hard = rng.random(60)
    rows = np.vstack([hard * 0.5 + shift + rng.normal(0, 0.05, 60) for shift in (0.3, 0.31, 0.1, 0.12, 0.0, 0.3)])
    found = compare({f"s{place}": frame(row) for place, row in enumerate(rows)}, "RR@10", FAST)
    differ = {frozenset((pair.first, pair.second)): pair.significant for pair in found}
    ranks = shared_ranks(rows)
    best_of = {rank: max((i for i in range(6) if ranks[i] == rank), key=lambda i: rows[i].mean()) for rank in ranks}
    for row, rank in enumerate(ranks):
        above = [best_of[other] for other in sorted(set(ranks)) if other < rank]
        assert all(differ[frozenset((f"s{leader}", f"s{best_of[rank]}"))] for leader in above[-1:])
        if row != best_of[rank]:
            assert not differ[frozenset((f"s{row}", f"s{best_of[rank]}"))]
    assert len(set(ranks)) > 1
