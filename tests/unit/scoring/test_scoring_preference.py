"""Language preference by hand: LPR, Lang-nDCG, the split of first documents, Complete@k and Max@R."""

import math

import pytest

from lapca_bench.collections.base import Policy
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import score
from lapca_bench.scoring.judged import join, languages_of
from lapca_bench.scoring.preference import FirstDocuments, first_documents, lang_ndcg, lpr
from lapca_bench.types import Query

LANGUAGES = {f"{language}{number}": language for language in ("en", "de", "fi") for number in range(4)}
POLICY = Policy(measures=("RR",), depth=10)


def of(judgements, *lists, asked="de"):
    """Queries q0, q1, ... in German (or `asked`), each with the same judgements and a list of its own, best first."""
    run = Run.from_dict("r", {f"q{i}": {d: -float(n) for n, d in enumerate(found)} for i, found in enumerate(lists)})
    queries = [f"q{i}" for i in range(len(lists))]
    joined = join(run, dict.fromkeys(queries, judgements), queries)
    return joined, languages_of(joined, [asked] * len(queries), LANGUAGES)


def test_lpr_is_whether_the_own_language_comes_before_its_translations():
    both = {"de1": 1, "en1": 1, "fi1": 1}
    found = lpr(*of(both, ["de1", "en1"], ["en1", "de1"], ["en3", "de1"], ["en1"], [], ["de2", "fi1"]), 10)
    assert found == {"q0": 1.0, "q1": 0.0, "q2": 1.0, "q3": 0.0, "q4": 0.0, "q5": 0.0}


def test_lpr_looks_at_the_first_k_and_only_at_queries_with_both_kinds():
    assert lpr(*of({"de1": 1, "en1": 1}, ["en3", "de1", "en1"]), 1) == {"q0": 0.0}
    assert lpr(*of({"de1": 1, "en1": 1}, ["en3", "de1", "en1"]), 2) == {"q0": 1.0}
    assert lpr(*of({"en1": 1, "fi1": 1}, ["en1"]), 10) == {}
    assert lpr(*of({"de1": 1}, ["de1"]), 10) == {}
    assert lpr(*of({"de1": 1, "en1": 1}, ["de1"], asked="xx"), 10) == {}
    assert lpr(*of({"de1": -1, "de2": 1, "en1": 2}, ["de1", "en1", "de2"]), 10) == {"q0": 0.0}


def test_lang_ndcg_raises_the_grade_of_the_own_language():
    """en1 (grade 1), then de1 (grade 1, raised to 2): 1 + 2 / log2(3), of an ideal 2 + 1 / log2(3)."""
    second = 1 / math.log2(3)
    found = lang_ndcg(*of({"de1": 1, "en1": 1}, ["en1", "de1"], ["de1", "en1"], ["en1"], []), 10)
    ideal = 2 + second
    assert found == pytest.approx({"q0": (1 + 2 * second) / ideal, "q1": 1.0, "q2": 1 / ideal, "q3": 0.0})
    graded = lang_ndcg(*of({"de1": 1, "en1": 3}, ["de1", "en1"]), 10)
    assert graded == pytest.approx({"q0": (2 + 3 * second) / (3 + 2 * second)})
    assert lang_ndcg(*of({"de1": 1, "en1": 1}, ["en1", "de1"]), 1) == pytest.approx({"q0": 0.5})
    assert lang_ndcg(*of({"de1": 0}, ["de1"]), 1) == {}


def test_first_documents_are_split_four_ways():
    judged = {"de1": 1, "en1": 1}
    found = first_documents(*of(judged, ["de1"], ["en1"], ["de2"], ["fi1", "de1"], []))
    assert found == FirstDocuments(0.2, 0.2, 0.2, 0.2, pytest.approx(0.2))


def test_complete_and_worst_rank_through_the_scorer():
    run = Run.from_dict("r", {"a": {"de1": 3.0, "x": 2.0, "en1": 1.0}, "b": {"en1": 3.0, "x": 2.0}, "c": {"x": 1.0}})
    qrels = Qrels({"a": {"de1": 1, "en1": 2}, "b": {"de1": 1, "en1": 1}, "c": {"de1": 0}})
    languages = {**LANGUAGES, "x": "en"}
    queries = [Query(name, "?", "de") for name in "abc"]
    scores = score(
        run, qrels, ["Complete@2", "Complete@3", "Complete(rel=2)@3", "Max@R", "LPR", "LPR@1", "Lang-nDCG@3"], queries,
        POLICY, document_languages=languages,
    )  # fmt: skip
    values = {measure: scores.values(measure).to_dict() for measure in scores.measures}
    assert values["Complete@2"] == {"a": 0.0, "b": 0.0, "c": 0.0}
    assert values["Complete@3"] == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert values["Complete(rel=2)@3"] == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert values["MaxRank"] == {"a": 3.0, "b": 3.0, "c": 0.0}  # de1 of b stands behind the two retrieved
    assert values["LPR"] == values["LPR@1"] == {"a": 1.0, "b": 0.0}
    assert set(values["Lang_nDCG@3"]) == {"a", "b"}
