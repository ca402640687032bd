"""Scoring a run: hand-worked values, denominators, policies, odd inputs, sentinels."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lapca_bench.collections.base import Policy
from lapca_bench.errors import InputError, UsageError
from lapca_bench.run import Answers, Qrels, Run
from lapca_bench.scoring import aggregate, ranx_engine, score, score_files
from lapca_bench.types import Document, Query

POLICY = Policy(measures=("nDCG@10",))
EXCLUDE = Policy(measures=("nDCG@10",), no_relevant="exclude")
ENGINES = ["numpy", "ranx"]

# Ranking d1 d2 d3 d4 with grades 0 2 -1 1; d9 (grade 3) not retrieved.
RUN = Run.from_dict("r", {"q": {"d1": 4.0, "d2": 3.0, "d3": 2.0, "d4": 1.0}})
QRELS = Qrels({"q": {"d2": 2, "d3": -1, "d4": 1, "d9": 3}})
_IDEAL = 3 + 2 / math.log2(3) + 1 / math.log2(4)
_IDEAL_EXP = 7 + 3 / math.log2(3) + 1 / math.log2(4)
HAND = {
    "nDCG@10": (2 / math.log2(3) + 1 / math.log2(5)) / _IDEAL,
    "nDCG@2": (2 / math.log2(3)) / (3 + 2 / math.log2(3)),
    "nDCG_exp@10": (3 / math.log2(3) + 1 / math.log2(5)) / _IDEAL_EXP,
    "RR": 1 / 2,
    "RR@1": 0.0,
    "R@3": 1 / 3,
    "R@10": 2 / 3,
    "R_cap@2": 1 / 2,
    "Success@1": 0.0,
    "Success@2": 1.0,
    "P@2": 1 / 2,
    "P@10": 2 / 10,
    "AP": (1 / 2 + 2 / 4) / 3,
    "AP@2": (1 / 2) / 3,
    "AP_cap@2": (1 / 2) / 2,
    "Accuracy": 0.0,
}


def queries(*ids: str, language: str = "de") -> list[Query]:
    return [Query(name, "text", language) for name in ids]


def values(scores, measure):
    return scores.values(measure).to_dict()


@pytest.mark.parametrize("engine", ENGINES)
def test_hand_worked(engine):
    scores = score(RUN, QRELS, list(HAND), queries("q"), POLICY, engine=engine)
    for measure, expected in HAND.items():
        assert values(scores, measure) == {"q": pytest.approx(expected, abs=1e-12)}, measure


@pytest.mark.parametrize("engine", ENGINES)
def test_missing_query_is_zero_and_unjudged_is_left_out(engine):
    qrels = Qrels({**QRELS.judgements, "absent": {"d1": 1}})
    scores = score(RUN, qrels, ["RR@10"], queries("q", "absent", "unjudged"), POLICY, engine=engine)
    assert values(scores, "RR@10") == {"q": 0.5, "absent": 0.0}
    assert (scores.missing, scores.unjudged, scores.excluded) == (1, 1, 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_query_without_relevant_document_follows_the_policy(engine):
    qrels = Qrels({**QRELS.judgements, "none": {"d1": 0}})
    zero = score(RUN, qrels, ["nDCG@10", "R@5"], queries("q", "none"), POLICY, engine=engine)
    assert values(zero, "R@5")["none"] == 0.0
    left_out = score(RUN, qrels, ["nDCG@10", "R@5"], queries("q", "none"), EXCLUDE, engine=engine)
    assert list(values(left_out, "R@5")) == ["q"]
    assert left_out.excluded == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_empty_run_scores_zero_everywhere(engine):
    for run in (Run.from_dict("empty", {}), Run.from_dict("empty", {"q": {}})):
        scores = score(run, QRELS, list(HAND), queries("q"), POLICY, engine=engine)
        assert (scores.frame["value"] == 0.0).all()
        assert len(scores.frame) == len(HAND)


def test_a_measure_that_ranx_does_not_have_is_computed_without_it(monkeypatch):
    monkeypatch.delitem(ranx_engine._FUNCTIONS, "P")
    scores = score(RUN, QRELS, ["P@2", "RR", "P@10"], queries("q"), POLICY, engine="ranx")
    assert [values(scores, measure)["q"] for measure in ("P@2", "RR", "P@10")] == pytest.approx([0.5, 0.5, 0.2])


def test_ranx_leaves_numba_as_it_was():
    import numba

    before = numba.get_num_threads()
    score(RUN, QRELS, ["nDCG@10"], queries("q"), POLICY, engine="ranx")
    assert numba.get_num_threads() == before


def test_threads_may_score_by_ranx_at_once():
    """Numba's workqueue ends the process when two threads enter it: the engine lets one in at a time."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: score(RUN, QRELS, list(HAND), queries("q"), POLICY, engine="ranx"), range(12)))
    assert all(values(scores, "nDCG@10") == values(found[0], "nDCG@10") for scores in found)


def test_constant_scorer_gets_the_order_of_document_ids():
    documents = {f"d{i:02d}": 1.0 for i in range(50)}
    qrels = Qrels({"q": {"d10": 1}})
    expected = 1 / 40  # ids descending: d49 is first, d10 is 40th
    for ranking in (documents, dict(reversed(documents.items()))):
        for engine in ENGINES:
            scores = score(
                Run.from_dict("constant", {"q": ranking}), qrels, ["RR"], queries("q"), POLICY, engine=engine
            )
            assert values(scores, "RR")["q"] == pytest.approx(expected, abs=1e-12)
            assert scores.tied == 49


def test_average_precision_is_reciprocal_rank_with_one_relevant_document():
    rng = np.random.default_rng(5)
    run = Run.from_dict("r", {f"q{i}": {f"d{j}": float(s) for j, s in enumerate(rng.random(30))} for i in range(20)})
    qrels = Qrels({f"q{i}": {f"d{i}": 1} for i in range(20)})
    scores = score(run, qrels, ["AP@10", "RR@10", "AP_cap@10"], queries(*qrels.judgements), POLICY)
    assert values(scores, "AP@10") == pytest.approx(values(scores, "RR@10"))
    assert values(scores, "AP_cap@10") == pytest.approx(values(scores, "RR@10"))


def test_frame_has_one_row_per_query_and_measure():
    scores = score(RUN, QRELS, ["RR@10", "MRR@10", "P@2"], queries("q"), POLICY)
    assert list(scores.frame.columns) == ["query", "language", "measure", "value"]
    assert scores.frame["measure"].tolist() == ["RR@10", "P@2"]
    assert scores.frame["language"].tolist() == ["de", "de"]
    with pytest.raises(UsageError, match="was not scored"):
        scores.values("R@7")


def test_unknown_queries_and_documents_are_refused_by_name():
    with pytest.raises(InputError, match="'q'"):
        score(RUN, QRELS, ["RR"], queries("other"), POLICY)
    with pytest.raises(InputError, match="'d4'"):
        score(RUN, QRELS, ["RR"], queries("q"), POLICY, documents=["d1", "d2", "d3", "d9"])


def test_split_without_judgements_is_refused():
    with pytest.raises(InputError, match="judged"):
        score(RUN, Qrels({"elsewhere": {"d1": 1}}), ["RR"], queries("q"), POLICY)


def test_self_match_is_refused_where_the_policy_drops_it():
    run = Run.from_dict("r", {"q": {"q": 2.0, "d2": 1.0}})
    assert values(score(run, QRELS, ["RR"], queries("q"), POLICY), "RR")["q"] == 0.5
    with pytest.raises(InputError, match="retrieved itself"):
        score(run, QRELS, ["RR"], queries("q"), Policy(measures=("RR",), self_match="drop"))


def test_not_finite_scores_and_duplicates_never_reach_a_measure():
    with pytest.raises(InputError, match="NaN"):
        Run.from_dict("r", {"q": {"d1": math.nan}})
    with pytest.raises(InputError, match="twice"):
        Run.from_columns("r", ["q"], [0, 0], ["d", "d"], [1.0, 2.0])


def test_needs_are_checked():
    with pytest.raises(UsageError, match="answers and texts"):
        score(RUN, QRELS, ["AnswerRecall@5"], queries("q"), POLICY)
    with pytest.raises(UsageError, match="document languages"):
        score(RUN, QRELS, ["PEER@5"], queries("q"), POLICY)
    with pytest.raises(UsageError, match="judgements"):
        score(RUN, Answers({"q": ("x",)}), ["nDCG@5"], queries("q"), POLICY, texts={})
    with pytest.raises(UsageError, match="no measure"):
        score(RUN, QRELS, [], queries("q"), POLICY)


def test_answer_recall_of_a_run():
    texts = {f"d{i}": Document(f"d{i}", text) for i, text in enumerate(["", "nothing", "Born in Köln.", "x", "y"])}
    answers = Answers({"q": ("köln",), "absent": ("köln",), "empty": ()})
    scores = score(
        RUN, answers, ["AnswerRecall@1", "AnswerRecall@2"], queries("q", "absent", "empty"), POLICY, texts=texts
    )
    assert values(scores, "AnswerRecall@1") == {"q": 0.0, "absent": 0.0, "empty": 0.0}
    assert values(scores, "AnswerRecall@2") == {"q": 1.0, "absent": 0.0, "empty": 0.0}
    with pytest.raises(InputError, match="text is not given"):
        score(RUN, answers, ["AnswerRecall@2"], queries("q"), POLICY, texts={"d1": texts["d1"]})


def test_f1_needs_aligned_pairs():
    run = Run.from_dict("r", {"a": {"x": 2.0, "y": 1.0}, "b": {"x": 1.0}, "c": {"z": 1.0}})
    qrels = Qrels({"a": {"x": 1}, "b": {"y": 1}, "c": {"z": 1}})
    scores = score(run, qrels, ["F1", "Accuracy"], queries("a", "b", "c"), POLICY)
    assert values(scores, "F1") == {"a": pytest.approx(2 / 3), "b": 0.0, "c": 1.0}
    assert values(scores, "Accuracy") == {"a": 1.0, "b": 0.0, "c": 1.0}
    with pytest.raises(InputError, match="one relevant document"):
        score(run, Qrels({"a": {"x": 1, "y": 1}}), ["F1"], queries("a", "b", "c"), POLICY)


def test_files_count_every_judged_query_and_ignore_the_unjudged():
    run = Run.from_dict("r", {"q": {"d2": 1.0}, "extra": {"d1": 1.0}})
    scores = score_files(run, Qrels({**QRELS.judgements, "absent": {"d1": 1}}), ["RR@10"])
    assert values(scores, "RR@10") == {"q": 1.0, "absent": 0.0}
    with pytest.raises(InputError, match="no query of run"):
        score_files(Run.from_dict("r", {"other": {"d1": 1.0}}), QRELS, ["RR@10"])


def test_means_are_by_language_and_a_missing_language_never_shrinks_them():
    run = Run.from_dict("r", {"a": {"d": 1.0}, "b": {"e": 1.0}, "c": {"d": 1.0}})
    qrels = Qrels({"a": {"d": 1}, "b": {"d": 1}, "c": {"d": 1}})
    split = [*queries("a", "b", language="fi"), *queries("c", language="ja")]
    scores = score(run, qrels, ["RR@10"], split, POLICY)
    whole = aggregate(scores)["RR@10"]
    assert whole.means == {"fi": 0.5, "ja": 1.0}
    assert whole.queries == {"fi": 2, "ja": 1}
    assert (whole.macro, whole.micro, whole.missing, whole.coverage) == (0.75, pytest.approx(2 / 3), (), 1.0)
    assert whole.mean("macro") == 0.75
    part = aggregate(scores, ["fi", "ja", "ko"])["RR@10"]
    assert (part.macro, part.micro, part.missing) == (None, None, ("ko",))
    assert part.coverage == pytest.approx(2 / 3)


def test_package_and_measures_load_nothing_heavy():
    code = (
        "import sys, lapca_bench.scoring, lapca_bench.scoring.scorer, lapca_bench.scoring.significance;"
        "print([m for m in ('ranx', 'numba', 'pandas', 'scipy', 'nltk', 'sklearn', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
