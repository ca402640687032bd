"""Equal to what the field's own evaluators printed: trec_eval, XOR-Retrieve, DPR's has_answer, LAReQA's AP.

The files come with the public data sets; each expected value was written by the evaluator named in the test.
"""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from lapca_bench.errors import LapcaError
from lapca_bench.run import Answers, Qrels, Run
from lapca_bench.scoring import score_files
from lapca_bench.scoring.answers import default_tokenizer, has_answer, token_budget_hits
from lapca_bench.scoring.predictions import Prediction

pytestmark = pytest.mark.data
ROOT = Path(os.environ.get("LAPCA_BENCH_DATA", "absent"))


def golden(*parts: str) -> Path:
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not under LAPCA_BENCH_DATA")
    return path


def read_json(path: Path):
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as handle:
        return json.load(handle)


def read_trec(results: Path, judgements: Path) -> tuple[Run, Qrels]:
    ranking: dict[str, dict[str, float]] = {}
    for line in results.read_text().splitlines():
        query, _, document, _, value = line.split()[:5]
        ranking.setdefault(query, {})[document] = float(value)
    rows = (line.split() for line in judgements.read_text().splitlines())
    return Run.from_dict("golden", ranking), Qrels.from_rows((query, doc, int(g)) for query, _, doc, g in rows)


@pytest.mark.parametrize("engine", ["numpy", "ranx"])
@pytest.mark.parametrize(
    ("expected", "results", "all_judged"),
    [
        ("out.test.aq", "results.test", False),
        ("out.test.meas_params", "results.test", False),
        ("out.test.aqc", "results.trunc", True),  # -c: every judged query counts, 302 is not in the run
    ],
)
def test_trec_eval_prints_the_same_four_digits(expected, results, all_judged, engine):
    folder = golden("trec_eval-golden", "test")
    run, judged = read_trec(folder / results, folder / "qrels.test")
    if not all_judged:
        judged = Qrels({query: judged.judgements[query] for query in run.queries})
    names = {"map": "AP", "recip_rank": "RR"}
    names |= {f"P_{k}": f"P@{k}" for k in (3, 5, 7, 10, 15, 20, 30, 100, 200, 500, 1000)}
    names |= {f"recall_{k}": f"R@{k}" for k in (5, 10, 20, 100, 2000)}
    names |= {f"ndcg_cut_{k}": f"nDCG@{k}" for k in (10, 20, 23)} | {f"success_{k}": f"Success@{k}" for k in (2, 5, 20)}
    scores = score_files(run, judged, list(names.values()), engine=engine)
    compared = 0
    for line in (folder / expected).read_text().splitlines():
        measure, query, value = line.split()
        if measure in names:
            values = scores.values(names[measure])
            ours = values.mean() if query == "all" else values[query]
            assert f"{ours:.4f}" == value, (measure, query)
            compared += 1
    assert compared > 30


def test_ir_measures_compatibility_run_equals_pytrec_eval():
    pytrec_eval = pytest.importorskip("pytrec_eval")
    folder = golden("ir_measures-golden", "tests")
    run, judged = read_trec(folder / "compat.run", folder / "compat.qrels")
    evaluator = pytrec_eval.RelevanceEvaluator(dict(judged.judgements), {"ndcg_cut.10", "map", "recip_rank"})
    official = evaluator.evaluate({query: dict(run.ranking(query)) for query in run.queries})
    scores = score_files(run, judged, ["nDCG@10", "AP", "RR"])
    for measure, name in (("nDCG@10", "ndcg_cut_10"), ("AP", "map"), ("RR", "recip_rank")):
        expected = {query: official.get(query, {}).get(name, 0.0) for query in judged.judgements}
        assert scores.values(measure).to_dict() == pytest.approx(expected, abs=1e-9)


@pytest.fixture(scope="module")
def tokenize():
    pytest.importorskip("nltk")
    try:
        return default_tokenizer()
    except LapcaError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def xor():
    folder = golden("evaluator-golden")
    questions = golden("xor-tydi", "xor_dev_retrieve_eng_span_v1_1.jsonl")
    gold = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    answers = Answers({question["id"]: tuple(question["answers"]) for question in gold})
    predictions = [
        Prediction(row["id"], row["lang"], tuple(row["ctxs"]))
        for row in read_json(folder / "xor_retrieve_predictions.json.gz")
    ]
    return predictions, answers, read_json(folder / "xor_retrieve_expected.json")


def test_xor_retrieve_aggregate(xor, tokenize):
    """The authors' script walks the predictions: one that comes twice counts twice, a stranger does not count."""
    predictions, answers, expected = xor
    count, hit = Counter(), Counter()
    for prediction in predictions:
        strings = answers.strings.get(prediction.id, ())
        found = token_budget_hits(prediction.passages, strings, [2000, 5000], tokenize)
        if found is not None:
            count[prediction.language] += 1
            hit.update({("R@2kt", prediction.language): found[0], ("R@5kt", prediction.language): found[1]})
    for name in ("R@2kt", "R@5kt"):
        wanted = dict(expected["aggregate"][name])
        shares = [hit[name, language] / count[language] for language in count]
        assert 100 * sum(shares) / len(shares) == pytest.approx(wanted.pop("macro_mean"), abs=1e-9)
        assert {language: {"count": count[language], "hit": hit[name, language]} for language in count} == wanted


def test_xor_retrieve_per_question(xor, tokenize):
    predictions, answers, expected = xor
    found = {}
    for prediction in predictions:
        strings = answers.strings.get(prediction.id, ())
        hits = token_budget_hits(prediction.passages, strings, [2000, 5000], tokenize)
        if hits is not None:
            found[prediction.id] = {"R@2kt": int(hits[0]), "R@5kt": int(hits[1])}
    assert found == expected["per_question"]


def test_dpr_answer_matching():
    cases = read_json(golden("evaluator-golden", "dpr_has_answer.json.gz"))
    wrong = [case for case in cases if has_answer(case["passage"], case["answers"]) != case["expected"]]
    assert (len(cases), wrong) == (2419, [])


@pytest.mark.parametrize("engine", ["numpy", "ranx"])
def test_lareqa_average_precision(engine):
    """A repeated prediction counts at its first place; the later ones keep their places and find nothing."""
    cases = read_json(golden("evaluator-golden", "lareqa_ap.json"))
    ranking, judged = {}, {}
    for i, case in enumerate(cases):
        order = case["ranking"]
        names = [f"d{d}" if d not in order[:place] else f"repeated-{place}" for place, d in enumerate(order)]
        ranking[f"q{i}"] = {name: float(-place) for place, name in enumerate(names)}
        judged[f"q{i}"] = {f"d{document}": 1 for document in case["targets"]}
    scores = score_files(
        Run.from_dict("golden", ranking), Qrels(judged), ["AP", "AP_cap@20", "AP_cap@5"], engine=engine
    )
    for ours, theirs in (("AP", "AP"), ("AP_cap@20", "AP@20"), ("AP_cap@5", "AP@5")):
        expected = {f"q{i}": case[theirs] for i, case in enumerate(cases)}
        assert scores.values(ours).to_dict() == pytest.approx(expected, abs=1e-9), ours
