"""Measures as values: text and back, other spellings, what each needs, errors."""

import pytest

from lapca_bench.errors import UsageError
from lapca_bench.scoring import DEFINITIONS, Measure, parse
from lapca_bench.scoring.measures import parse_mean

CANONICAL = [
    "nDCG@10", "nDCG_exp@10", "RR", "RR@100", "R@100", "R_cap@5", "Success@1", "P@10", "AP", "AP@20", "AP_cap@20",
    "Accuracy", "F1", "AnswerRecall@20", "R@2kt", "R@5kt", "R_official@2kt", "PEER@20", "AWRF@20",
    "LPR", "LPR@20", "Lang_nDCG@20", "Complete@20", "Complete(rel=2)@5", "MaxRank",
    "nDCG", "nDCG(judged_only=True)@10", "AP(rel=2)@100", "ERR@20", "ERR(max=3)@20", "RBP(p=0.8)",
    "RBP(p=0.95,rel=2)@10",
    "GMAP", "Rprec", "Rprec_mult@0.2", "Bpref", "GMBpref", "infAP", "IPrec@0.1", "IPrec(rel=2)@0", "IPrec_mean", "SetP",
    "SetRelP", "SetR", "SetF", "SetF(beta=0.5)", "SetAP", "Utility", "Judged@10", "NumQ", "NumRet", "NumRel",
    "NumRelRet", "NumNonRelRet",
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
     ("Recall@100", "R@100"), ("hit_rate@3", "Success@3"), (" P@5 ", "P@5"), ("answerrecall@20", "AnswerRecall@20"),
     # trec_eval
     ("ndcg_cut_10", "nDCG@10"), ("ndcg_cut.10", "nDCG@10"), ("recall.100", "R@100"), ("map_cut.1000", "AP@1000"),
     ("P.10", "P@10"), ("P_10", "P@10"), ("recip_rank", "RR"), ("num_ret", "NumRet"), ("num_rel_ret", "NumRelRet"),
     ("set_F", "SetF"), ("set_F_0.5", "SetF(beta=0.5)"), ("set_recall", "SetR"), ("gm_map", "GMAP"), ("infap", "infAP"),
     ("utility", "Utility"), ("iprec_at_recall_0.10", "IPrec@0.1"), ("iprec_at_recall..1", "IPrec@0.1"),
     ("Rprec_mult.0.20", "Rprec_mult@0.2"), ("11pt_avg", "IPrec_mean"), ("success.5", "Success@5"),
     ("relative_P_5", "R_cap@5"), ("num_nonrel_judged_ret", "NumNonRelRet"),
     # ir_measures
     ("AP@100(rel=2)", "AP(rel=2)@100"), ("AP( rel = 2 ) @ 100", "AP(rel=2)@100"), ("AP(rel=1)", "AP"),
     ("BPref", "Bpref"),
     ("nDCG(dcg='exp-log2')@10", "nDCG_exp@10"), ("nDCG(dcg='log2')@10", "nDCG@10"), ("SetP(relative=True)", "SetRelP"),
     ("NumRet(rel=1)", "NumRelRet"), ("NumRet(rel=2)", "NumRelRet(rel=2)"), ("RPrec", "Rprec"), ("P(cutoff=5)", "P@5"),
     ("IPrec(recall=0.10)", "IPrec@0.1"), ("RBP", "RBP(p=0.8)"), ("RBP(rel=2,p=.5)@10", "RBP(p=0.5,rel=2)@10"),
     ("AP(judged_only=False)", "AP"), ("Precision@5", "P@5"),
     # the papers
     ("Max@R", "MaxRank"), ("max@r", "MaxRank"), ("Lang-nDCG@10", "Lang_nDCG@10"), ("Complete@10", "Complete@10"),
     # ranx
     ("rbp.95", "RBP(p=0.95)"), ("r-precision", "Rprec"), ("r_precision", "Rprec"), ("hits@3", "Success@3")],
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
    "text",
    [
        "nDGC@10",
        "R",
        "ndcg_cut",
        "map_cut",
        "nDCG@0",
        "nDCG@ten",
        "F1@3",
        "Accuracy@2",
        "nDCG@5kt",
        "R@2k",
        "",
        "@10",
        "R@-1",
        "P@1.5",
        "AP(rel=0)",
        "AP(rel=2.5)",
        "AP(rel=x)",
        "AP(rel)",
        "AP(rel=2",
        "AP(rel=2,rel=3)",
        "AP(depth=3)",
        "RBP(p=1)",
        "RBP(p=nan)",
        "IPrec",
        "IPrec@-0.1",
        "ERR(max=0)@5",
        "F1(rel=2)",
        "nDCG(gains={1:5})@10",
        "nDCG(dcg=x)@10",
        "R@" + "9" * 5000,
        "AP(rel=" + "9" * 5000 + ")",
        "alpha_nDCG@10",
        "IPrec(recall=x)",
        "P(cutoff=x)",
        "P(cutoff=-3)",
        "AP(cutoff=10)@5",
        "nDCG@10@5",
        "P@١٠",
    ],
)
def test_malformed_is_a_usage_error_with_a_remedy(text):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.remedy


def test_nearest_name_is_offered():
    for text, offered in [
        ("nDGC@10", "nDCG@10"),
        ("MRR10", "mrr@10"),
        ("recal@100", "recall@100"),
        ("map_cut_x", "map"),
    ]:
        with pytest.raises(UsageError, match=offered):
            parse(text)


def test_direct_construction_is_checked():
    with pytest.raises(UsageError):
        Measure("R")
    with pytest.raises(UsageError):
        Measure("no such")


def test_every_definition_names_a_function_that_is_there():
    for definition in DEFINITIONS:
        assert callable(definition.load())
    ranked = {definition.name for definition in DEFINITIONS if definition.by_rank}
    assert {"nDCG", "AP_cap", "Accuracy"} <= ranked
    assert not ranked & {"F1", "AnswerRecall", "PEER", "AWRF"}


def test_equal_measures_are_equal_values_whatever_their_spelling():
    assert parse("AP(rel=2)") == Measure("AP", parameters=(("rel", 2),)) != parse("AP")
    assert hash(parse("RBP(p=0.30000000000000004)")) == hash(parse("RBP(p=0.3)"))
    assert parse("AP(rel=2)@10").depth == 10
    assert parse("AP(judged_only=True)@10").depth is None  # documents without a judgement are looked over


def test_a_table_takes_means_only():
    assert str(parse_mean("map")) == "AP"
    for text in ("NumRet", "num_q", "gm_map", "GMBpref", "Max@R"):
        with pytest.raises(UsageError, match="which no table shows"):
            parse_mean(text)
    with pytest.raises(UsageError, match="stands for several measures"):
        parse("official")


def test_every_definition_says_what_and_whence():
    assert all(len(d.text) > 20 and len(d.source) > 5 for d in DEFINITIONS)
