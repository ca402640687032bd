"""MTEB files and model cards: written numbers are the stored ones, read numbers are the published ones."""

import json
import os
from pathlib import Path

import pytest
from toys import board_results as made

from lapca_bench.errors import InputError, UsageError
from lapca_bench.report.published.interop import Attribution, as_csv, model_index, mteb_files, mteb_measure, read_mteb
from lapca_bench.report.published.published import published

ABOUT = Attribution("org/model", "zero-shot", "mteb-results", "org__model/Task.json")


@pytest.fixture
def stored(tmp_path):
    results = [
        made.result("s", f"xquad-retrieval/{x}", 0.5, languages=(x,), split="validation", measures=("nDCG@10", "R@100"))
        for x in ("hi", "th")
    ]
    results.append(made.result("s", "tatoeba/deu-eng", 0.7, languages=("deu",), measures=("F1", "Accuracy")))
    return list(made.write(tmp_path / "results", results).all())


@pytest.mark.parametrize(
    ("measure", "key"),
    [("nDCG@10", "ndcg_at_10"), ("RR@100", "mrr_at_100"), ("F1", "f1"), ("R@2kt", None), ("PEER@20", None)],
)
def test_names_of_measures(measure, key):
    assert mteb_measure(measure) == key


def test_a_file_per_task_holds_the_stored_means(stored):
    files = mteb_files(stored)
    assert set(files) == {"XQuADRetrieval.json", "Tatoeba.json"}
    entries = {entry["hf_subset"]: entry for entry in files["XQuADRetrieval.json"]["scores"]["validation"]}
    result = next(r for r in stored if r.collection == "xquad-retrieval/th")
    mean = next(a["mean"] for a in result.aggregates if a["measure"] == "nDCG@10")
    assert entries["th"]["ndcg_at_10"] == entries["th"]["main_score"] == mean
    assert "recall_at_100" in entries["hi"]
    assert files["XQuADRetrieval.json"]["mteb_version"].startswith("lapca-bench")


def test_the_evaluation_time_is_the_seconds_of_its_results(stored):
    files = mteb_files(stored)
    took = {"XQuADRetrieval.json": "xquad-retrieval", "Tatoeba.json": "tatoeba"}
    for name, family in took.items():
        seconds = [r.provenance["timings"]["total"] for r in stored if r.collection.startswith(f"{family}/")]
        assert seconds
        assert sum(seconds) > 0
        assert files[name]["evaluation_time"] == pytest.approx(sum(seconds))


def test_what_is_written_can_be_read(stored, tmp_path):
    path = tmp_path / "Tatoeba.json"
    path.write_text(json.dumps(mteb_files(stored)["Tatoeba.json"]))
    (value,) = read_mteb(path, ABOUT, ["accuracy"])
    mean = next(a["mean"] for r in stored for a in r.aggregates if a["measure"] == "Accuracy")
    assert value.value == pytest.approx(100 * mean, abs=5e-4)
    assert (value.collection, value.language, value.measure) == ("tatoeba", "deu", "accuracy (xx->en)")


def test_one_system_at_a_time(stored, tmp_path):
    other = list(made.write(tmp_path / "other", [made.result("t", "tatoeba/deu-eng", 0.7)]).all())
    with pytest.raises(UsageError, match="2 systems"):
        mteb_files([*stored, *other])
    odd = list(made.write(tmp_path / "odd", [made.result("t", "x/y", 0.7, measures=("R@2kt",))]).all())
    with pytest.raises(UsageError, match="no measure"):
        mteb_files(odd)


def test_model_index_is_yaml_with_the_stored_means(stored):
    text = model_index(stored, made.HOSTILE)
    head, body, tail = text.split("---\n")
    assert (head, tail) == ("", "")
    (entry,) = json.loads(body.removeprefix("model-index:"))
    assert entry["name"] == made.HOSTILE
    metrics = {(r["dataset"]["config"], m["name"]): m["value"] for r in entry["results"] for m in r["metrics"]}
    result = next(r for r in stored if r.collection == "xquad-retrieval/hi")
    mean = next(a["mean"] for a in result.aggregates if a["measure"] == "nDCG@10")
    assert metrics["hi", "nDCG@10"] == pytest.approx(100 * mean)


@pytest.mark.parametrize("content", ["", "{}", '{"task_name": "T", "scores": []}', "[1]"])
def test_what_is_no_mteb_file_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match="not an MTEB result file"):
        read_mteb(path, ABOUT)


@pytest.mark.parametrize("score", [1.5, None, "0.5", float("nan")])
def test_a_score_that_is_none_is_refused(tmp_path, score):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"task_name": "T", "scores": {"test": [{"hf_subset": "de", "ndcg_at_10": score}]}}))
    with pytest.raises(InputError, match="ndcg_at_10"):
        read_mteb(path, ABOUT)


def test_rows_have_the_columns_of_the_published_files(stored, tmp_path):
    path = tmp_path / "XQuADRetrieval.json"
    path.write_text(json.dumps(mteb_files(stored)["XQuADRetrieval.json"]))
    header = as_csv(read_mteb(path, ABOUT)).splitlines()[0]
    shipped = Path(__file__).parents[3] / "leaderboards" / "published" / "xquad-retrieval.csv"
    assert header == shipped.read_text().splitlines()[0]


@pytest.mark.skipif("LAPCA_BENCH_DATA" not in os.environ, reason="LAPCA_BENCH_DATA does not name the public data")
@pytest.mark.parametrize(
    ("folder", "system"),
    [("multilingual-e5-small", "intfloat/multilingual-e5-small"), ("LaBSE", "sentence-transformers/LaBSE")],
)
def test_the_shipped_numbers_are_those_of_the_files(folder, system):
    root = Path(os.environ["LAPCA_BENCH_DATA"]) / "mteb-results" / folder
    if not root.is_dir():
        pytest.skip(f"mteb-results/{folder} is not in LAPCA_BENCH_DATA")
    for task, keys, collection in (
        ("XQuADRetrieval", ("ndcg_at_10",), "xquad-retrieval"),
        ("Tatoeba", ("f1", "accuracy"), "tatoeba"),
    ):
        shipped = {
            (v.language, v.measure): v
            for v in published().select(collection=collection, system=system, protocol="mteb", kind="reported")
        }
        iso2 = {v.language for v in shipped.values()}
        read = read_mteb(root / f"{task}.json", ABOUT, keys)
        assert {v.language for v in read} == iso2
        for value in read:
            known = shipped[value.language, value.measure]
            assert abs(value.value - known.value) <= 0.5 * 10.0**-known.decimals + 5e-4
