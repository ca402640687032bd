"""Pairs of systems: the figures behind the letters of a table are those of `compare`, boards and lists of pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from test_report_table_comparison import result
from toys.cli import in_process

from lapca_bench.errors import UsageError
from lapca_bench.report.comparison import comparison
from lapca_bench.report.lines import lines_of
from lapca_bench.report.pairs import Display, p_text, pairs_of, pairs_table, signed
from lapca_bench.report.run_comparison import compare_runs
from lapca_bench.report.table import Column, Row, Table, TableCell, interval_digits
from lapca_bench.scoring import Settings
from lapca_bench.scoring.ranks import pairwise_t
from lapca_bench.scoring.significance import detectable, deviation, equivalence, holm


def systems(count=4, queries=60, seed=1):
    random = np.random.default_rng(seed)
    base = random.random(queries)
    return {f"s{i}": np.clip(base + 0.04 * i + 0.1 * random.normal(size=queries), 0, 1).tolist() for i in range(count)}


def results_of(values):
    return [result(name, "x/de-en", {"de": own}) for name, own in values.items()]


def frames_of(values):
    return {one.system: one.scores for one in results_of(values)}


def test_one_pair_has_one_set_of_figures_wherever_it_is_shown():
    values = systems()
    listed = pairs_of(lines_of(results_of(values)), Display(), bounded=True)
    _, compared = compare_runs(frames_of(values), ["nDCG@10"], Settings())
    for one, other in zip(listed, compared, strict=True):
        assert (one.first, one.second, one.observations, one.test) == (other.first, other.second, 60, "t")
        for name in ("difference", "low", "high", "effect", "p_uncorrected", "p_holm", "detectable"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-12), name
    on_boards = holm(pairwise_t(np.asarray(list(values.values()))))
    assert [one.p_holm for one in listed] == pytest.approx(on_boards, rel=1e-9)
    expected = stats.ttest_rel(values["s0"], values["s1"])
    assert listed[0].p_uncorrected == pytest.approx(expected.pvalue)
    assert listed[0].difference == pytest.approx(np.mean(values["s0"]) - np.mean(values["s1"]))


def test_letters_are_the_significant_pairs():
    results = results_of(systems())
    table = comparison(results)
    pairs = pairs_of(lines_of(results), Display(), bounded=False)
    letter = {row.system: row.letter for row in table.rows}
    shown = {(row.system, worse) for row in table.rows for worse in row.cells[-1].better_than}
    assert shown == {
        (pair.first, letter[pair.second]) if pair.difference > 0 else (pair.second, letter[pair.first])
        for pair in pairs
        if pair.significant
    }
    assert shown
    assert all(np.isnan(pair.low) for pair in pairs)


def test_a_baseline_is_compared_with_every_other_and_nothing_else_is():
    results = results_of(systems())
    pairs = pairs_of(lines_of(results), Display(baseline="s2"), bounded=True)
    assert [(pair.first, pair.second) for pair in pairs] == [("s0", "s2"), ("s1", "s2"), ("s3", "s2")]
    every = {(p.first, p.second): p for p in pairs_of(lines_of(results), Display(), bounded=True)}
    assert pairs[0].p_uncorrected == every["s0", "s2"].p_uncorrected
    assert [pair.p_holm for pair in pairs] == pytest.approx(holm([pair.p_uncorrected for pair in pairs]))
    assert pairs[0].detectable < every["s0", "s2"].detectable  # at 0.05 / 3, not at 0.05 / 6
    table = comparison(results, display=Display(baseline="s2"))
    assert "Holm over 3 pairs with s2" in table.notes[-1]
    letters = {row.system: row.letter for row in table.rows}
    assert {worse for row in table.rows if row.system != "s2" for worse in row.cells[-1].better_than} <= {letters["s2"]}
    with pytest.raises(UsageError, match="unknown baseline 's9'"):
        comparison(results, display=Display(baseline="s9"))


def test_every_column_is_one_family():
    results = [result(f"s{i}", "x/mixed", {"de": own, "fr": own[::-1]}) for i, own in enumerate(systems(3).values())]
    pairs = pairs_of(lines_of(results), Display(significance="all"), bounded=True)
    assert [pair.column for pair in pairs] == ["de"] * 3 + ["fr"] * 3 + ["mean"] * 3
    assert [pair.p_holm for pair in pairs] == pytest.approx(holm([pair.p_uncorrected for pair in pairs]))
    assert "column" in [column.key for column in pairs_table(pairs).columns]


def test_systems_on_other_queries_make_no_pair():
    values = systems(3)
    results = [*results_of(values), result("odd", "x/de-en", {"de": values["s0"][:-1]})]
    pairs = pairs_of(lines_of(results), Display(), bounded=True)
    assert {name for pair in pairs for name in (pair.first, pair.second)} == {"s0", "s1", "s2"}


def test_detectable_is_found_in_four_of_five_cases():
    """Simulated: with a true difference of that size the t-test at that level rejects in 80% of samples."""
    random = np.random.default_rng(2)
    n, spread, alpha = 40, 0.3, 0.05 / 6
    true = float(detectable(np.asarray([spread]), n, alpha)[0])
    samples = random.normal(true, spread, size=(4000, n))
    rejected = (stats.ttest_1samp(samples, 0.0, axis=1).pvalue < alpha).mean()
    assert rejected == pytest.approx(0.8, abs=0.03)
    assert np.isinf(detectable(np.asarray([spread]), 1, alpha))[0]


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    random = np.random.default_rng(3)
    differences = random.normal(0.01, 0.1, size=(5, 50))
    margin = 0.05
    below = stats.ttest_1samp(differences, -margin, axis=1, alternative="greater").pvalue
    above = stats.ttest_1samp(differences, margin, axis=1, alternative="less").pvalue
    found = equivalence(differences.mean(axis=1), deviation(differences), 50, margin)
    assert found == pytest.approx(np.maximum(below, above))
    same = equivalence(np.zeros(1), np.zeros(1), 50, margin)
    beyond = equivalence(np.ones(1), np.zeros(1), 50, margin)
    assert (same[0], beyond[0]) == (0.0, 1.0)
    values = systems(2)
    values["s1"] = (np.asarray(values["s0"]) + 1e-3).tolist()
    (pair,) = pairs_of(lines_of(results_of(values)), Display(margin=0.01), bounded=True)
    assert pair.equivalent
    assert pair.significant  # a difference can be real and too small to matter
    assert not pairs_of(lines_of(results_of(systems(2))), Display(margin=0.001), bounded=True)[0].equivalent


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<0.0001"), (9.9e-5, "<0.0001"), (1e-4, "0.0001"), (0.04996, "0.0500"), (1.0, "1.0000")]
)
def test_no_p_value_is_printed_as_zero(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(33.0, 35.2, 1), (-5.0, 60.0, 1), (0.012, 0.034, 2), (0.0001, 0.0004, 4), (0.0, 0.0, 1), (0.1, 0.3, 1),
     (5.0, 5.0 + 1e-12, 1), (-np.inf, 1, 1)],
)  # fmt: skip
def test_intervals_get_the_digits_that_their_width_needs(low, high, digits):
    assert interval_digits(low, high) == digits


def test_a_narrow_interval_of_a_cell_is_no_point():
    table = Table("t", (Column("a", "a"),), (Row("s", (TableCell(0.33, interval=(0.33012, 0.33047)),)),), ())
    assert table.interval(table.rows[0].cells[0]) == "[33.01, 33.05]"
    assert signed(-0.00001, 1) == "0.0"
    assert signed(-0.0123, 1) == "-1.2"


def test_the_list_is_a_table_in_every_format():
    pairs = pairs_of(lines_of(results_of(systems())), Display(margin=0.02), bounded=True)
    made = pairs_table(pairs, "nDCG@10 on x/de-en")
    for form in ("terminal", "markdown", "latex", "csv", "html"):
        assert "detectable" in made.to(form)
    assert "0.0000" not in made.to("terminal")
    assert "by two one-sided t-tests" in made.notes[-1]


def test_compare_lists_pairs_with_a_baseline(tmp_path, capsys):
    random = np.random.default_rng(0)
    (tmp_path / "qrels").write_text("".join(f"q{i} 0 d{i % 5} 1\n" for i in range(30)))
    for name in "abc":
        lines = [f"q{i} Q0 d{j} 0 {random.random():.5f} {name}\n" for i in range(30) for j in range(5)]
        (tmp_path / f"{name}.run").write_text("".join(lines))
    runs = [str(tmp_path / f"{name}.run") for name in "abc"]
    asked = (
        "compare",
        *runs,
        "--qrels",
        str(tmp_path / "qrels"),
        "-m",
        "MRR",
        "--baseline",
        "c",
        "--equal-within",
        "3",
    )
    shown = in_process(*asked, capture=capsys).out
    assert "p (equal)" in shown
    found = json.loads(in_process(*asked, "--json", capture=capsys).out)["comparisons"]
    assert [(one["first"], one["second"], one["margin"]) for one in found] == [("a", "c", 0.03), ("b", "c", 0.03)]
    refused = in_process(*asked[:-4], "--baseline", "d", capture=capsys)
    assert (refused.code, "unknown baseline 'd'" in refused.err) == (2, True)
