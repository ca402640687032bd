"""MTEB files and model cards: written numbers are the stored ones, read numbers are the published ones."""

import json
import os
from pathlib import Path

import pytest
from toys import board_results as made

from lapca_bench.errors import InputError, UsageError
from lapca_bench.report.published.model_index import model_index
from lapca_bench.report.published.mteb_export import mteb_files
from lapca_bench.report.published.mteb_import import Attribution, as_csv, read_mteb
from lapca_bench.report.published.mteb_task import mteb_measure, mteb_tasks, printed_measure
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
    files = mteb_files(stored).files
    assert set(files) == {"XQuADRetrieval.json", "Tatoeba.json"}
    entries = {entry["hf_subset"]: entry for entry in files["XQuADRetrieval.json"]["scores"]["validation"]}
    result = next(r for r in stored if r.collection == "xquad-retrieval/th")
    mean = next(a["mean"] for a in result.aggregates if a["measure"] == "nDCG@10")
    assert entries["th"]["ndcg_at_10"] == entries["th"]["main_score"] == mean
    assert "recall_at_100" in entries["hi"]
    assert entries["th"]["languages"] == ["tha-Thai"]
    (pair,) = files["Tatoeba.json"]["scores"]["test"]
    assert pair["main_score"] == pair["f1"] != pair["accuracy"]
    assert pair["languages"] == ["deu-Latn", "eng-Latn"]
    assert files["XQuADRetrieval.json"]["evaluated_by"].startswith("lapca-bench")


def test_the_evaluation_time_is_the_seconds_of_its_results(stored):
    files = mteb_files(stored).files
    took = {"XQuADRetrieval.json": "xquad-retrieval", "Tatoeba.json": "tatoeba"}
    for name, family in took.items():
        seconds = [r.provenance["timings"]["total"] for r in stored if r.collection.startswith(f"{family}/")]
        assert seconds
        assert sum(seconds) > 0
        assert files[name]["evaluation_time"] == pytest.approx(sum(seconds))


def test_what_is_written_can_be_read(stored, tmp_path):
    path = tmp_path / "Tatoeba.json"
    path.write_text(json.dumps(mteb_files(stored).files["Tatoeba.json"]))
    (value,) = read_mteb(path, ABOUT, ["accuracy"]).values
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


def written(folder, content):
    """An MTEB file."""
    (folder / "Task.json").write_text("\ufeff" + json.dumps(content))
    return folder / "Task.json"


def entry(**scores):
    return {"hf_subset": scores.pop("part", "default"), "languages": ["eng-Latn"], **scores}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(part="fas", ndcg_at_10=0.4, ndcg_at_20=0.5, main_score=0.5)], [("fas", "nDCG@20", 50.0)]),
        ([entry(map=0.6, mrr=0.7, map_at_1000=0.6, ndcg_at_10=0.61, main_score=0.6)], [("default", "mAP", 60.0)]),
        ([entry(ndcg_at_10=0.3)], [("default", "nDCG@10", 30.0)]),  # older entries state no main score
        ([entry(v_measure=0.3, main_score=0.3)], [("default", "v_measure", 30.0)]),
        ([entry(ndcg_at_10=0.2, main_score=0.3)], [("default", "main_score", 30.0)]),  # of a measure that is not there
        (  # the key is the main score's in every entry, not in one by chance
            [
                entry(part="a", recall_at_1=0.5, f1=0.5, main_score=0.5),
                entry(part="b", recall_at_1=0.4, f1=0.3, main_score=0.3),
            ],
            [("a", "F1 (xx->en)", 50.0), ("b", "F1 (xx->en)", 30.0)],
        ),
    ],
)
def test_the_main_score_is_the_files_own(tmp_path, entries, expected):
    read = read_mteb(written(tmp_path, {"task_name": "T", "scores": {"test": entries}}), ABOUT)
    assert [(value.language, value.measure, value.value) for value in read.values] == expected
    assert read.skipped == ()


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_an_entry_without_a_number_is_skipped_with_a_word(tmp_path, nothing):
    entries = [entry(part="ara-eng", f1=0.75, main_score=0.75), entry(part="deu-eng", f1=nothing, main_score=nothing)]
    read = read_mteb(written(tmp_path, {"task_name": "Tatoeba", "scores": {"test": entries}}), ABOUT)
    assert [(value.language, value.value) for value in read.values] == [("ara", 75.0)]
    assert read.skipped == ("'deu-eng' (test) has no f1",)


@pytest.mark.parametrize(
    ("task", "split", "expected"),
    [
        ("XQuADRetrieval", {"ar": {"ndcg_at_10": 0.88}, "evaluation_time": 3.0}, ("ar", "nDCG@10", 88.0)),
        ("NFCorpus", {"ndcg_at_10": 0.3, "map_at_10": 0.2, "evaluation_time": 3.0}, ("default", "nDCG@10", 30.0)),
        ("Tatoeba", {"deu-eng": {"accuracy": 0.9, "f1": 0.8, "main_score": 0.8}}, ("deu", "F1 (xx->en)", 80.0)),
    ],
)
def test_files_of_mteb_before_1_11(tmp_path, task, split, expected):
    content = {"dataset_revision": None, "mteb_dataset_name": task, "mteb_version": "1.1.1", "test": split}
    (value,) = read_mteb(written(tmp_path, content), ABOUT).values
    assert (value.language, value.measure, value.value, value.split) == (*expected, "test")


def test_what_is_no_part_of_the_task_is_left_out_with_a_word(tmp_path):
    results = [
        made.result("s", "tatoeba/eng-deu", 0.7, languages=("eng",), measures=("F1", "Accuracy")),
        made.result("s", "tatoeba/fra-eng", 0.6, languages=("fra",), measures=("Accuracy",)),
        made.result("s", "own/news", 0.5, languages=("de", "tlh"), measures=("nDCG@10",)),
    ]
    exported = mteb_files(list(made.write(tmp_path, results).all()))
    assert set(exported.files) == {"own.json"}
    assert sorted(exported.left_out) == [
        "tatoeba/eng-deu is no part of MTEB's task Tatoeba",
        "tatoeba/fra-eng was not scored by the task's main score, f1",
    ]
    (found,) = exported.files["own.json"]["scores"].values()
    assert [(one["hf_subset"], one["languages"]) for one in found] == [
        ("news-de", ["deu-Latn"]),
        ("news-tlh", ["tlh"]),
    ]


@pytest.mark.parametrize(
    ("key", "name"),
    [("ndcg_at_20", "nDCG@20"), ("map", "mAP"), ("hit_rate_at_5", "Success@5"), ("cos_sim_ap", "cos_sim_ap")],
)
def test_names_of_mteb(key, name):
    assert printed_measure(key) == name


def test_mtebs_own_classes_read_what_is_written(stored, tmp_path):
    mteb = pytest.importorskip("mteb", reason="mteb is not installed (pip install lapca-bench[mteb])")
    from mteb.results import TaskResult

    for name, content in mteb_files(stored).files.items():
        (tmp_path / name).write_text(json.dumps(content))
        read = TaskResult.from_disk(tmp_path / name)
        task = mteb.get_task(read.task_name)
        assert read.evaluation_time == content["evaluation_time"]
        for split, entries in content["scores"].items():
            assert split in task.metadata.eval_splits
            for one in entries:
                code = one["languages"][0].partition("-")[0]
                assert (
                    read.get_score(splits=[split], languages=[code])
                    == one["main_score"]
                    == one[task.metadata.main_score]
                )


def test_the_tasks_are_as_mteb_states_them():
    mteb = pytest.importorskip("mteb", reason="mteb is not installed (pip install lapca-bench[mteb])")
    for known in mteb_tasks().values():
        task = mteb.get_task(known.task).metadata
        assert known.main_score == task.main_score
        assert known.languages == {part: tuple(codes) for part, codes in task.eval_langs.items()}


@pytest.mark.parametrize("content", ["", "{}", '{"task_name": "T", "scores": []}', "[1]"])
def test_what_is_no_mteb_file_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match="not an MTEB result file"):
        read_mteb(path, ABOUT)


@pytest.mark.parametrize("score", [1.5, None, "0.5", float("nan"), True, -0.1])
def test_a_score_that_is_none_is_refused(tmp_path, score):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"task_name": "T", "scores": {"test": [{"hf_subset": "de", "ndcg_at_10": score}]}}))
    with pytest.raises(InputError, match="ndcg_at_10"):
        read_mteb(path, ABOUT)


def test_rows_have_the_columns_of_the_published_files(stored, tmp_path):
    path = tmp_path / "XQuADRetrieval.json"
    path.write_text(json.dumps(mteb_files(stored).files["XQuADRetrieval.json"]))
    header = as_csv(read_mteb(path, ABOUT).values).splitlines()[0]
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
        read = read_mteb(root / f"{task}.json", ABOUT, keys).values
        assert {v.language for v in read} == iso2
        for value in read:
            known = shipped[value.language, value.measure]
            assert abs(value.value - known.value) <= 0.5 * 10.0**-known.decimals + 5e-4
