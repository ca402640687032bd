"""Language bias: hand-worked cases of PEER, AWRF, shares, penalties and the matrix."""

import math

import numpy as np
import pytest
from scipy import stats

from lapca_bench.collections.base import Policy
from lapca_bench.errors import InputError
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import language_bias, score
from lapca_bench.scoring.bias import awrf, kruskal_wallis, peer
from lapca_bench.scoring.judged import join, languages_of
from lapca_bench.types import Query

LANGUAGES = {"en1": "en", "en2": "en", "en3": "en", "de1": "de", "de2": "de", "de3": "de"}


def ranked(*documents: str) -> Run:
    return Run.from_dict("r", {"q": {document: -float(i) for i, document in enumerate(documents)}})


def figures(run: Run, judgements: dict[str, int], k: int = 10) -> tuple[float, float]:
    joined = join(run, {"q": judgements}, ["q"])
    languages = languages_of(joined, [""] * len(joined), LANGUAGES)
    return peer(joined, languages, k)["q"], awrf(joined, languages, k)["q"]


def test_peer_of_one_language_ahead_of_the_other():
    """English at ranks 1 and 2, German at 3 and 4: H = 3 * 4 / 5, one degree of freedom."""
    run = ranked("en1", "en2", "de1", "de2")
    value, _ = figures(run, {"en1": 1, "en2": 1, "de1": 1, "de2": 1})
    assert value == pytest.approx(stats.chi2.sf(2.4, 1), abs=1e-12)
    assert value == pytest.approx(stats.kruskal([1, 2], [3, 4]).pvalue, abs=1e-12)


def test_peer_is_one_for_alternating_languages_of_equal_mean_rank():
    assert figures(ranked("en1", "de1", "de2", "en2"), dict.fromkeys(("en1", "en2", "de1", "de2"), 1))[0] == 1.0


def test_peer_puts_what_was_not_retrieved_behind_the_last_rank():
    """en1 at rank 1, de1 and de2 not retrieved: they share rank 1 + 3/2."""
    value, _ = figures(ranked("en1", "en3"), {"en1": 1, "de1": 1, "de2": 1})
    h = 2 * (1 * (1 - 2) ** 2 + 2 * (2.5 - 2) ** 2) / (1 + 2 * 0.25)
    assert value == pytest.approx(stats.chi2.sf(h, 1), abs=1e-12)


def test_peer_averages_over_grades_and_skips_what_cannot_be_compared():
    run = ranked("en1", "en2", "de1", "de2", "en3")
    both = figures(run, {"en1": 1, "en2": 1, "de1": 1, "de2": 1, "en3": 2})[0]
    assert both == pytest.approx((stats.chi2.sf(2.4, 1) + 1.0) / 2, abs=1e-12)
    assert figures(run, {"en1": 1, "en2": 1})[0] == 1.0


def test_peer_respects_the_cutoff_and_an_empty_result_counts_zero():
    judged = {"en1": 1, "de1": 1}
    assert figures(ranked("en3", "en2", "en1", "de1"), judged, k=2)[0] == 1.0
    assert figures(Run.from_dict("r", {"q": {}}), judged) == (0.0, 0.0)


def test_kruskal_wallis_agrees_with_scipy_where_ranks_are_complete():
    rng = np.random.default_rng(3)
    for _ in range(20):
        groups = rng.permutation(np.repeat([0, 1, 2], [4, 3, 5]))
        ranks = np.arange(1, 13)
        h, freedom = kruskal_wallis(ranks, groups)
        expected = stats.kruskal(*(ranks[groups == g] for g in range(3)))
        assert (h, freedom) == (pytest.approx(expected.statistic), 2)


def test_awrf_by_hand():
    assert figures(ranked("en1", "de1"), {"en1": 1, "de1": 1})[1] == pytest.approx(1.0)
    assert figures(ranked("en1", "en2"), {"de1": 1})[1] == pytest.approx(1.0 - math.log(2.0))
    # Attention 1, 1, 1/log2(3): English has the first and the third place.
    third = 1 / math.log2(3)
    p = np.array([1.0, 1.0 + third]) / (2.0 + third)  # de, en
    m = (p + 0.5) / 2
    divergence = 0.5 * (p * np.log(p / m)).sum() + 0.5 * (0.5 * np.log(0.5 / m)).sum()
    assert figures(ranked("en1", "de1", "en2"), {"en1": 1, "de1": 1})[1] == pytest.approx(1.0 - divergence)


def test_figures_are_measures_of_score():
    qrels = Qrels({"q": {"en1": 1, "en2": 1, "de1": 1, "de2": 1}, "none": {"en1": 0}})
    scores = score(
        ranked("en1", "en2", "de1", "de2"),
        qrels,
        ["PEER@10", "AWRF@10"],
        [Query("q", "", "en"), Query("none", "", "en")],
        Policy(measures=("PEER@10",)),
        document_languages=LANGUAGES,
    )
    assert scores.values("PEER@10").to_dict() == {"q": pytest.approx(stats.chi2.sf(2.4, 1))}
    with pytest.raises(InputError, match="has no language"):
        score(ranked("xx"), qrels, ["AWRF@3"], [Query("q", "")], Policy(measures=("RR",)), document_languages=LANGUAGES)


@pytest.fixture
def two_queries():
    run = Run.from_dict(
        "r",
        {"q-en": {"en1": 3.0, "en2": 2.0, "de1": 1.0}, "q-de": {"en2": 3.0, "de2": 2.0, "en1": 1.0}},
    )
    qrels = Qrels({"q-en": {"en1": 1, "de1": 1}, "q-de": {"de2": 1, "en1": 1}, "q-no": {"en1": 0}})
    queries = [Query("q-en", "", "en"), Query("q-de", "", "de"), Query("q-no", "", "de")]
    return run, qrels, queries


def test_description_of_a_biased_run(two_queries):
    run, qrels, queries = two_queries
    found = language_bias(run, qrels, queries, LANGUAGES, k=3, measure="RR@3")
    assert found.queries == 2
    assert found.retrieved == {"de": pytest.approx(1 / 3), "en": pytest.approx(2 / 3)}
    assert found.relevant == {"de": 0.5, "en": 0.5}
    assert found.penalty == {"de": pytest.approx((1.0 - 0.5) / 2), "en": pytest.approx((-1.0 + 0.5) / 2)}
    assert found.same_language_first == 0.5
    assert found.matrix.values == {"en": {"de": 1 / 3, "en": 1.0}, "de": {"de": 0.5, "en": 1 / 3}}
    assert found.matrix.macro == pytest.approx((1 / 3 + 1 + 0.5 + 1 / 3) / 4)
    assert found.matrix.micro == pytest.approx(found.matrix.macro)  # one query per cell


def test_cells_without_a_query_are_none(two_queries):
    run, _, queries = two_queries
    qrels = Qrels({"q-en": {"en1": 1}, "q-de": {"de2": 1, "en1": 1}})
    found = language_bias(run, qrels, queries, LANGUAGES, measure="RR@3")
    assert found.matrix.values["en"]["de"] is None
    assert found.matrix.queries["en"] == {"de": 0, "en": 1}
    with pytest.raises(InputError):
        language_bias(run, Qrels({}), queries, LANGUAGES)
