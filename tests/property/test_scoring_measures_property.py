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
from lapca_bench.scoring import parse, score_files
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
