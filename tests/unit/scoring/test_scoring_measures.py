"""Measures as values: text and back, other spellings, what each needs, errors."""

import pytest

from lapca_bench.errors import UsageError
from lapca_bench.scoring import DEFINITIONS, Measure, parse

CANONICAL = [
    "nDCG@10", "nDCG_exp@10", "RR", "RR@100", "R@100", "R_cap@5", "Success@1", "P@10", "AP", "AP@20", "AP_cap@20",
    "Accuracy", "F1", "AnswerRecall@20", "R@2kt", "R@5kt", "R_official@2kt", "PEER@20", "AWRF@20",
]  # fmt: skip


@pytest.mark.parametrize("text", CANONICAL)
def test_text_and_back(text):
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


def test_every_definition_is_reachable_by_its_text():
    assert {(parse(text).name, parse(text).unit) for text in CANONICAL} == {(d.name, d.unit) for d in DEFINITIONS}


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [("MRR@10", "RR@10"), ("mrr@100", "RR@100"), ("ndcg@10", "nDCG@10"), ("recall_cap@5", "R_cap@5"), ("map", "AP"),
     ("Recall@100", "R@100"), ("hit_rate@3", "Success@3"), (" P@5 ", "P@5"), ("answerrecall@20", "AnswerRecall@20")],
)  # fmt: skip
def test_other_spellings(spelling, canonical):
    assert str(parse(spelling)) == canonical


def test_gain_denominator_and_match_are_in_the_name():
    assert len({parse(text) for text in CANONICAL}) == len(CANONICAL)
    assert parse("R@2kt") != parse("R@2")
    assert parse("R@2kt").needs == {"answers", "texts"}
    assert parse("R@2").needs == {"judgements"}
    assert parse("PEER@20").needs == {"judgements", "document languages"}


@pytest.mark.parametrize(
    "text", ["nDGC@10", "nDCG", "nDCG@0", "nDCG@ten", "F1@3", "Accuracy@2", "nDCG@5kt", "R@2k", "", "@10", "R@-1"]
)
def test_malformed_is_a_usage_error_with_a_remedy(text):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.remedy


def test_nearest_name_is_offered():
    with pytest.raises(UsageError, match="nDCG@k"):
        parse("nDGC@10")


def test_direct_construction_is_checked():
    with pytest.raises(UsageError):
        Measure("nDCG")
    with pytest.raises(UsageError):
        Measure("no such")


def test_every_definition_names_a_function_that_is_there():
    for definition in DEFINITIONS:
        assert callable(definition.load())
    ranked = {definition.name for definition in DEFINITIONS if definition.by_rank}
    assert {"nDCG", "AP_cap", "Accuracy"} <= ranked
    assert not ranked & {"F1", "AnswerRecall", "PEER", "AWRF"}


def test_every_definition_says_what_and_whence():
    assert all(len(d.text) > 20 and len(d.source) > 5 for d in DEFINITIONS)
