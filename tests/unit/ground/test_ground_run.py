"""The canonical order of a run, and what a run refuses."""

import random

import numpy as np
import pytest

from lapca_bench.errors import InputError
from lapca_bench.run import Qrels, Run


def test_order_is_score_then_document_id_both_descending():
    run = Run.from_dict("r", {"q": {"a": 1.0, "c": 1.0, "b": 2.0}})
    assert run.ranking("q") == [("b", 2.0), ("c", 1.0), ("a", 1.0)]


def test_order_ignores_insertion_order():
    forward = Run.from_dict("r", {"q": {f"d{i:02}": 0.5 for i in range(40)}})
    backward = Run.from_dict("r", {"q": {f"d{i:02}": 0.5 for i in reversed(range(40))}})
    assert forward.ranking("q") == backward.ranking("q")


def test_document_ids_are_ordered_as_trec_eval_orders_bytes():
    ids = ["é", "z", "Z", "中", "10", "9"]
    run = Run.from_dict("r", {"q": dict.fromkeys(ids, 0.0)})
    assert [document for document, _ in run.ranking("q")] == sorted(ids, key=str.encode, reverse=True)


def test_scores_equal_in_single_precision_are_a_tie():
    run = Run.from_dict("r", {"q": {"a": 0.9000000021, "b": 0.9000000011, "c": 0.9}})
    assert [document for document, _ in run.ranking("q")] == ["c", "b", "a"]


def test_negative_zero_ties_with_zero():
    run = Run.from_dict("r", {"q": {"a": 0.0, "b": -0.0}})
    assert [document for document, _ in run.ranking("q")] == ["b", "a"]


def test_a_query_without_documents_stays_in_the_run():
    run = Run.from_dict("r", {"q1": {}, "q2": {"a": 1.0}})
    assert run.queries == ("q1", "q2")
    assert run.ranking("q1") == []
    assert run.ranking("unknown") == []


def test_empty_run():
    run = Run.from_dict("r", {})
    assert len(run) == 0
    assert list(run.rows()) == []


def test_cut_keeps_the_best_of_every_query():
    run = Run.from_dict("r", {"q1": {"a": 3, "b": 2, "c": 1}, "q2": {}, "q3": {"a": 1}})
    cut = run.cut(2)
    assert [row[:2] for row in cut.rows()] == [("q1", "a"), ("q1", "b"), ("q3", "a")]
    assert list(cut.rows())[1] == ("q1", "b", 2.0, 2)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_non_finite_scores_are_refused_with_their_place(score):
    with pytest.raises(InputError, match=r"query 'q', document 'b'"):
        Run.from_dict("r", {"q": {"a": 1.0, "b": score}})


def test_a_document_twice_under_one_query_is_refused():
    with pytest.raises(InputError, match=r"query 'q' holds document 'a' twice"):
        Run.from_columns("r", ["p", "q"], [0, 1, 1], ["a", "a", "a"], [1.0, 1.0, 2.0])


def test_a_query_twice_is_refused():
    with pytest.raises(InputError, match="query id twice"):
        Run.from_columns("r", ["q", "q"], [], [], [])


def test_an_empty_document_id_is_refused():
    with pytest.raises(InputError, match="empty document id"):
        Run.from_dict("r", {"q": {"": 1.0}})


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="2 rows, 1 documents"):
        Run.from_columns("r", ["q"], [0, 0], ["a"], np.ones(2))


def test_qrels_refuse_contradictory_judgements():
    with pytest.raises(InputError, match="twice, as 1 and 0"):
        Qrels.from_rows([("q", "a", 1), ("q", "a", 0)])


def test_qrels_relevant_leaves_out_grades_of_zero_and_below():
    qrels = Qrels.from_rows([("q", "a", 2), ("q", "b", 0), ("q", "c", -1)])
    assert qrels.relevant("q") == {"a"}
    assert qrels.relevant("unknown") == set()


@pytest.mark.parametrize("longest", [0, 3, 8, 9, 30])
def test_vocabulary_is_sorted_by_code_points_however_long_the_ids(longest) -> None:
    letters = "0129aZ\u00e9\u05d0\u4e2d\U0001f600"
    generator = random.Random(longest)
    ids = ["".join(generator.choices(letters, k=generator.randint(1, max(longest, 1)))) for _ in range(300)]
    ids += ["a", "a\x00", "a\x00b", "\x00"] if longest == 3 else []
    run = Run.from_columns("r", [str(row) for row in range(len(ids))], range(len(ids)), ids, [1.0] * len(ids))
    assert run.vocabulary.tolist() == sorted(set(ids))
    assert run.vocabulary[run.codes].tolist() == ids


def test_ties_in_an_ordered_run_are_put_in_order_within_their_places() -> None:
    generator = np.random.default_rng(0)
    rows, scores = np.repeat(np.arange(20), 50), np.tile(np.repeat(np.arange(10, 0, -1), 5), 20).astype(float)
    ids = [f"d{number}" for _ in range(20) for number in generator.permutation(50)]
    mixed = generator.permutation(len(ids))
    queries = [str(row) for row in range(20)]
    ordered = Run.from_columns("r", queries, rows, ids, scores)
    shuffled = Run.from_columns("r", queries, rows[mixed], [ids[place] for place in mixed], scores[mixed])
    assert ordered.codes.tolist() == shuffled.codes.tolist()
    assert ordered.ranking("3") == sorted(ordered.ranking("3"), key=lambda found: (found[1], found[0]), reverse=True)
