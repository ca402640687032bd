"""Rank measures on random runs with ties, missing and unjudged queries, unretrieved, graded and negative judgements.

Four ways must agree to 1e-9: numpy columns, ranx, trec_eval (pytrec-eval) and definitions written out in plain Python;
tie bounds are compared with all orders of the tied documents.
"""

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import Measure, parse, score_files
from lapca_bench.scoring.judged import join
from lapca_bench.scoring.ties import bounds, count

DOCUMENTS = [f"d{i}" for i in range(12)]  # d10 and d11 sort between d1 and d2
QUERIES = ["q1", "q2", "q3", "a-4"]
SCORES = st.sampled_from([0.0, 0.5, 1.0, 1.5, -1.0, 0.900000001, 0.900000002])
RUNS = st.dictionaries(st.sampled_from(QUERIES), st.dictionaries(st.sampled_from(DOCUMENTS), SCORES, max_size=12))
JUDGED = st.dictionaries(
    st.sampled_from(QUERIES),
    st.dictionaries(st.sampled_from([*DOCUMENTS, "never-1", "never-2"]), st.integers(-2, 4), min_size=1, max_size=9),
    min_size=1,
)
TREC = {
    "nDCG@3": "ndcg_cut_3",
    "nDCG@10": "ndcg_cut_10",
    "RR": "recip_rank",
    "R@5": "recall_5",
    "Success@5": "success_5",
    "P@5": "P_5",
    "AP": "map",
    "AP@5": "map_cut_5",
}
ALL = [*TREC, "nDCG_exp@5", "RR@3", "R_cap@3", "AP_cap@4", "Accuracy", "P@50"]
CLOSE = {"abs": 1e-9, "rel": 0}


def plainly(measure: str, ranking: list[str], judged: dict[str, int]) -> float:
    """The definition, written out; nothing shared with the package but the parsed name."""
    parsed = parse(measure)
    k = 1 if parsed.name == "Accuracy" else parsed.cutoff or len(ranking)
    top = [max(judged.get(document, 0), 0) for document in ranking[:k]]
    ideal = sorted((grade for grade in judged.values() if grade > 0), reverse=True)
    hits = [grade > 0 for grade in top]
    if not ideal:
        return 0.0
    if parsed.name in {"nDCG", "nDCG_exp"}:
        gain = (lambda g: 2**g - 1) if parsed.name == "nDCG_exp" else (lambda g: g)
        dcg = [sum(gain(g) / math.log2(i + 2) for i, g in enumerate(grades)) for grades in (top, ideal[:k])]
        return dcg[0] / dcg[1]
    if parsed.name == "RR":
        return next((1 / (i + 1) for i, hit in enumerate(hits) if hit), 0.0)
    if parsed.name in {"Success", "Accuracy"}:
        return float(any(hits))
    if parsed.name in {"AP", "AP_cap"}:
        precisions = sum(sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit)
        return precisions / (len(ideal) if parsed.name == "AP" else min(len(ideal), k))
    return sum(hits) / {"P": k, "R": len(ideal), "R_cap": min(len(ideal), k)}[parsed.name]


def scored(run: Run, judgements, engine: str, measures=ALL) -> dict[str, dict[str, float]]:
    known = Run.from_dict(run.name, {q: dict(run.ranking(q)) for q in run.queries if q in judgements})
    frame = score_files(known, Qrels(judgements), measures, engine=engine).frame
    found: dict[str, dict[str, float]] = {measure: {} for measure in measures}
    for measure, query, value in zip(*(frame[name].tolist() for name in ("measure", "query", "value")), strict=True):
        found[measure][query] = value
    return found


@given(RUNS, JUDGED)
def test_numpy_equals_the_definitions(ranking, judgements):
    run = Run.from_dict("r", ranking)
    for measure, values in scored(run, judgements, "numpy").items():
        for query, judged in judgements.items():
            order = [document for document, _ in run.ranking(query)]
            assert values[query] == pytest.approx(plainly(measure, order, judged), **CLOSE), (measure, query)


@given(RUNS, JUDGED)
def test_ranx_equals_numpy(ranking, judgements):
    run = Run.from_dict("r", ranking)
    of_ranx, of_numpy = scored(run, judgements, "ranx"), scored(run, judgements, "numpy")
    for measure in ALL:
        assert of_ranx[measure] == pytest.approx(of_numpy[measure], **CLOSE), measure


@given(RUNS, JUDGED)
def test_numpy_equals_trec_eval(ranking, judgements):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    # pytrec_eval ends the process on a query with negative grades only: a judged document that nobody retrieves helps.
    harmless = {query: {**judged, "never-0": 0} for query, judged in judgements.items()}
    evaluator = pytrec_eval.RelevanceEvaluator(
        harmless, {"ndcg_cut.3,10", "recip_rank", "recall.5", "success.5", "P.5", "map", "map_cut.5"}
    )
    official = evaluator.evaluate({query: found for query, found in ranking.items() if found})
    for measure, values in scored(Run.from_dict("r", ranking), judgements, "numpy", list(TREC)).items():
        for query in judgements:
            expected = official.get(query, {}).get(TREC[measure], 0.0)  # trec_eval -c
            assert values[query] == pytest.approx(expected, **CLOSE), (measure, query)


@given(RUNS, JUDGED)
def test_order_of_insertion_never_matters(ranking, judgements):
    backwards = {query: dict(reversed(found.items())) for query, found in reversed(ranking.items())}
    assert scored(Run.from_dict("r", ranking), judgements, "numpy") == scored(
        Run.from_dict("r", backwards), judgements, "numpy"
    )


def all_orders(found: dict[str, float]) -> list[list[str]]:
    groups: dict[float, list[str]] = {}
    for document, value in found.items():
        groups.setdefault(float(np.float32(value)), []).append(document)
    parts = [list(permutations(groups[value])) for value in sorted(groups, reverse=True)]
    return [[document for part in choice for document in part] for choice in product(*parts)]


@given(
    st.dictionaries(st.sampled_from(DOCUMENTS), st.sampled_from([0.0, 1.0]), min_size=1, max_size=6),
    st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-1, 3), min_size=1, max_size=6),
)
def test_tie_bounds_are_those_of_all_orders(found, judged):
    run = Run.from_dict("r", {"q": found})
    joined = join(run, {"q": judged}, ["q"])
    orders = all_orders(found)
    for measure in ["nDCG@2", "nDCG_exp@3", "RR", "RR@2", "R@2", "R_cap@2", "Success@2", "P@3", "AP", "AP@3",
                    "AP_cap@2", "Accuracy"]:  # fmt: skip
        values = [plainly(measure, order, judged) for order in orders]
        found_bounds = bounds(joined, parse(measure))
        assert found_bounds.best[0] == pytest.approx(max(values), **CLOSE), measure
        assert found_bounds.worst[0] == pytest.approx(min(values), **CLOSE), measure
        assert found_bounds.expected[0] == pytest.approx(np.mean(values), **CLOSE), measure
    sizes = [len(group) for group in (
        [d for d, s in found.items() if s == value] for value in set(found.values())) if len(group) > 1]  # fmt: skip
    counted = count(run)
    assert (counted.rows, counted.groups, counted.queries) == (sum(sizes), len(sizes), int(bool(sizes)))


ALL_OF_TREC = [
    "num_q", "num_ret", "num_rel", "num_rel_ret", "num_nonrel_judged_ret", "map", "Rprec", "bpref", "recip_rank",
    "infAP",
    "utility", "11pt_avg", "ndcg", "set_P", "set_relative_P", "set_recall", "set_map", "set_F", "P_5", "recall_5",
    "map_cut_5", "ndcg_cut_5", "relative_P_5", "success_5",
    *(f"iprec_at_recall_{tenths / 10:.2f}" for tenths in range(11)),
    *(f"Rprec_mult_{fifths / 5:.2f}" for fifths in range(1, 11)),
]  # fmt: skip


@pytest.mark.parametrize(("level", "judged_only"), [(1, False), (2, False), (1, True), (3, True)])
@given(RUNS, JUDGED)
def test_every_measure_of_trec_eval_at_every_level(level, judged_only, ranking, judgements):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    harmless = {query: {**judged, "never-0": 0} for query, judged in judgements.items()}
    evaluator = pytrec_eval.RelevanceEvaluator(
        harmless, pytrec_eval.supported_measures, relevance_level=level, judged_docs_only_flag=int(judged_only)
    )
    official = evaluator.evaluate({query: found for query, found in ranking.items() if found})
    asked = {name: with_parameters(parse(name), rel=level, judged_only=judged_only) for name in ALL_OF_TREC}
    values = scored(Run.from_dict("r", ranking), harmless, "numpy", list(dict.fromkeys(map(str, asked.values()))))
    for name, measure in asked.items():
        if judged_only and "judged_only" not in measure.definition.parameters:
            continue
        for query in official:
            assert values[str(measure)][query] == pytest.approx(nan_is_0(official[query][name]), **CLOSE), (name, query)


def nan_is_0(value: float) -> float:
    """trec_eval divides 0 by 0 where judged documents only are looked at and none was retrieved."""
    return 0.0 if math.isnan(value) else value


def with_parameters(measure, **given):
    known = {name: value for name, value in given.items() if name in measure.definition.parameters}
    return Measure(measure.name, measure.cutoff, measure.unit, tuple({**dict(measure.parameters), **known}.items()))


@given(RUNS, JUDGED)
def test_ranx_takes_the_least_relevant_grade_and_judged_documents_only(ranking, judgements):
    run = Run.from_dict("r", ranking)
    asked = ["AP(rel=2)", "RR(rel=2)@3", "P(rel=3)@5", "AP_cap(rel=2)@4", "nDCG(judged_only=True)@5", "R@5", "nDCG",
             "R(rel=2,judged_only=True)@3"]  # fmt: skip
    of_ranx, of_numpy = scored(run, judgements, "ranx", asked), scored(run, judgements, "numpy", asked)
    for measure in of_numpy:
        assert of_ranx[measure] == pytest.approx(of_numpy[measure], **CLOSE), measure


@given(RUNS, JUDGED)
def test_judged_share_and_rbp_and_err_written_out(ranking, judgements):
    run = Run.from_dict("r", ranking)
    values = scored(run, judgements, "numpy", ["Judged@5", "RBP(p=0.6)", "RBP(p=0.95,rel=2)@4", "ERR@5", "ERR(max=6)"])
    for query, judged in judgements.items():
        order = [document for document, _ in run.ranking(query)]
        grades = [max(judged.get(document, 0), 0) for document in order]
        first = order[:5]
        assert values["Judged@5"][query] == pytest.approx(sum(d in judged for d in first) / max(len(first), 1), **CLOSE)
        for name, p, level, depth in (("RBP(p=0.6)", 0.6, 1, None), ("RBP(p=0.95,rel=2)@4", 0.95, 2, 4)):
            rbp = (1 - p) * sum(p**i for i, grade in enumerate(grades[:depth]) if grade >= level)
            assert values[name][query] == pytest.approx(rbp, **CLOSE)
        for name, highest, depth in (("ERR@5", 4, 5), ("ERR(max=6)", 6, None)):
            err, reading = 0.0, 1.0
            for rank, grade in enumerate(grades[:depth], start=1):
                satisfied = (2**grade - 1) / 2**highest
                err += reading * satisfied / rank
                reading *= 1 - satisfied
            assert values[name][query] == pytest.approx(err, **CLOSE)
