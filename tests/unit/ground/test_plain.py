"""`lapca_bench.score` on what people hold in Python: dictionaries, data frames, rows, files; refusals."""

import numpy as np
import pandas as pd
import pytest

import lapca_bench as lb
from lapca_bench.errors import InputError, UsageError
from lapca_bench.plain import as_qrels, as_run

RUN = {"1": {"a": 3.0, "b": 2.0}, "2": {"c": 1.0}, "3": {}}
QRELS = {"1": {"b": 1, "x": 0}, "2": {"c": 2}, "3": {"c": 1}}
ROWS = [("1", "a", 3.0), ("1", "b", 2.0), ("2", "c", 1.0)]
JUDGED = [("1", "b", 1), ("1", "x", 0), ("2", "c", 2), ("3", "c", 1)]
EXPECTED = {"RR": pytest.approx((0.5 + 1 + 0) / 3), "P@1": pytest.approx(1 / 3)}


def means(run, qrels):
    return {name: of["mean"] for name, of in lb.score(run, qrels, ["RR", "P_1"]).means.items()}


def test_dictionaries_rows_frames_files_and_own_classes(tmp_path):
    assert means(RUN, QRELS) == EXPECTED
    assert means(ROWS, JUDGED) == EXPECTED
    pyterrier = pd.DataFrame(ROWS, columns=["qid", "docno", "score"]).assign(rank=0)
    assert means(pyterrier, pd.DataFrame(JUDGED, columns=["qid", "docno", "label"])) == EXPECTED
    ir_measures = pd.DataFrame(ROWS, columns=["query_id", "doc_id", "score"])
    assert means(ir_measures, pd.DataFrame(JUDGED, columns=["query_id", "doc_id", "relevance"])) == EXPECTED
    (tmp_path / "run").write_text("".join(f"{q} Q0 {d} 0 {s} r\n" for q, d, s in ROWS))
    (tmp_path / "qrels").write_text("".join(f"{q} 0 {d} {g}\n" for q, d, g in JUDGED))
    assert means(str(tmp_path / "run"), tmp_path / "qrels") == EXPECTED
    assert means(as_run(RUN), as_qrels(QRELS)) == EXPECTED


def test_ids_that_are_whole_numbers_and_grades_that_pandas_made_floats():
    run = pd.DataFrame({"qid": np.array([1, 1, 2]), "docno": ["a", "b", "c"], "score": np.float32([3, 2, 1])})
    qrels = pd.DataFrame({"qid": [1, 1, 2, 3], "docno": ["b", "x", "c", "c"], "label": [1.0, 0.0, 2.0, 1.0]})
    assert means(run, qrels) == EXPECTED
    assert means({1: {"a": 3, "b": 2}, 2: {"c": 1}}, {1: {"b": 1, "x": 0}, 2: {"c": 2}, 3: {"c": 1}}) == EXPECTED


def test_groups_of_measures_and_one_name():
    assert list(lb.score(RUN, QRELS, "map").means) == ["AP"]
    assert {"NumQ", "GMAP", "IPrec@0.1"} <= set(lb.score(RUN, QRELS, "official").means)


@pytest.mark.parametrize(
    ("run", "kind", "said"),
    [
        (7, UsageError, "int"),
        ({"1": ["a"]}, UsageError, "holds no"),
        ([("1", "a")], UsageError, "no row"),
        (pd.DataFrame({"qid": ["1"], "doc": ["a"]}), UsageError, "no column 'score'"),
        ({1.5: {"a": 1.0}}, InputError, "no whole number"),
        ({True: {"a": 1.0}}, InputError, "no whole number"),
        ({"1": {"a": float("nan")}}, InputError, "no finite number"),
        ({"1": {"a": "high"}}, InputError, "no finite number"),
        ([("1", "a", 1.0), ("1", "a", 2.0)], InputError, "twice"),
    ],
)
def test_what_cannot_be_read_is_refused(run, kind, said):
    with pytest.raises(kind, match=said):
        lb.score(run, QRELS)


def test_grades_are_whole_numbers():
    with pytest.raises(InputError, match="no whole number"):
        lb.score(RUN, {"1": {"b": 0.5}})
    with pytest.raises(UsageError, match="unknown measure"):
        lb.score(RUN, QRELS, "ndgc@10")
