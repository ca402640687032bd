"""Answer strings: DPR tokens, token budgets, the official and the strict count of XOR-Retrieve, bad parameters."""

import pytest

from lapca_bench.errors import InputError
from lapca_bench.run import Answers, Run
from lapca_bench.scoring import answers as a
from lapca_bench.types import Document


@pytest.mark.parametrize(
    ("passage", "answer", "expected"),
    [
        ("Born in Köln, 1822.", "köln", True),
        ("Born in Ko\u0308ln", "Köln", True),  # decomposed
        ("Born in Koln", "Köln", False),  # accents are decomposed, not removed
        ("the category", "cat", False),  # whole tokens only
        ("U.S. Army", "u.s.", True),
        ("New  York\tCity", "new york", True),
        ("York, New", "new york", False),
        ("東京タワー", "東京", False),  # one token per unbroken run
        ("東京 タワー", "東京", True),
        ("ΟΔΥΣΣΕΑΣ.Α", "οδυσσεας", True),  # final sigma inside a text
        ("anything", "", True),  # no token: held by every passage
        ("", "x", False),
    ],
)
def test_dpr_matching(passage, answer, expected):
    assert a.has_answer(passage, [answer]) is expected
    assert a.has_answer(passage, ["no such", answer]) is expected


def test_no_answer_is_never_held():
    assert a.has_answer("anything", []) is False


def test_budget_cuts_inside_a_passage_and_joins_passages():
    hits = a.token_budget_hits(["a b", "c d", "e f"], ["b c"], [2, 3, 5], str.split)
    assert hits == [False, True, True]
    assert a.token_budget_hits(["a b"], ["a B"], [2], str.split) == [False]  # case counts
    assert a.token_budget_hits(["begin"], ["gin"], [2], str.split) == [True]  # inside a word
    assert a.token_budget_hits([], [""], [2], str.split) == [True]


def test_yes_and_no_are_no_answers():
    assert a.token_budget_hits(["yes"], ["yes", "no"], [2], str.split) is None
    assert a.token_budget_hits(["Yes"], ["Yes"], [2], str.split) == [True]  # exactly yes or no, case included
    assert a.token_budget_hits(["x"], [], [2], str.split) is None


def test_passages_beyond_the_budget_are_not_read():
    def texts():
        yield "a b c"
        pytest.fail("read on after the budget was full")

    assert a.token_budget_hits(texts(), ["c"], [3], str.split) == [True]


def test_a_question_without_answer_to_seek_is_left_out_and_one_without_run_is_a_miss():
    answers = Answers({"q1": ("x",), "q2": ("x",), "q3": ("yes",), "q4": ("x",)})
    run = Run.from_dict("r", {"q1": {"d1": 1.0}, "q2": {"d2": 1.0}, "q3": {"d1": 1.0}})
    texts = {"d1": Document("d1", "x"), "d2": Document("d2", "y", title="x")}
    (strict,) = a.token_budget_recall(run, answers, ["q1", "q2", "q3", "q4"], texts, [5], str.split)
    assert strict == {"q1": 1.0, "q2": 0.0, "q4": 0.0}


@pytest.mark.parametrize("content", ["", "ABBREV_TYPES = open('x')", "def (", "ABBREV_TYPES = frozenset()"])
def test_unreadable_parameters_are_refused_and_never_run(tmp_path, content):
    pytest.importorskip("nltk")
    path = tmp_path / "punkt" / "data" / "english.py"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        a.punkt_tokenizer(tmp_path)
    assert caught.value.path == path
    assert "fetch nltk-punkt" in (caught.value.remedy or "")
