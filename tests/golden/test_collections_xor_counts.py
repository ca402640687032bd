"""Every count that can be checked with the data at hand is the published one, and first items are where they belong."""

import os
from pathlib import Path

import pytest

from lapca_bench.collections.miracl import MIRACL
from lapca_bench.collections.mkqa import MKQA_CONTRIEVER
from lapca_bench.collections.mrtydi import MR_TYDI
from lapca_bench.collections.sentence_pools.lareqa import XQUAD_R
from lapca_bench.collections.tatoeba import TATOEBA
from lapca_bench.collections.xor import XOR_RETRIEVE
from lapca_bench.collections.xquad import XQUAD_GRID, XQUAD_RETRIEVAL
from lapca_bench.errors import InputError

DATA = os.environ.get("LAPCA_BENCH_DATA")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="LAPCA_BENCH_DATA names no folder of data sets"),
]


def needs(folder):
    if not Path(DATA, folder).is_dir():
        pytest.skip(f"LAPCA_BENCH_DATA has no {folder}")


@pytest.mark.parametrize(
    ("family", "folder", "subsets", "least"),
    [
        (XOR_RETRIEVE, "xor-tydi", XOR_RETRIEVE.subsets(), 17),
        (MR_TYDI, "mr-tydi-v1.1", MR_TYDI.subsets(), 99),
        (MIRACL, "miracl-v1.0", MIRACL.subsets(), 54),
        (TATOEBA, "tatoeba", TATOEBA.subsets(), 448),
        (XQUAD_R, "lareqa-xquad-r", ("mixed",), 24),
        (XQUAD_RETRIEVAL, "xquad", XQUAD_RETRIEVAL.subsets(), 24),
        (XQUAD_GRID, "xquad", ("ar-de", "el-en", "es-hi", "ro-ru", "th-tr", "vi-zh"), 24),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_counts_are_the_published_ones(family, folder, subsets, least):
    needs(folder)
    counts = [count for subset in subsets for count in family.counts(subset)]
    assert [count for count in counts if not count.equal] == []
    assert len(counts) >= least


@pytest.mark.parametrize(
    ("language", "answerable"),
    [("te", 238), ("bn", 304), ("fi", 314), ("ja", 241), ("ko", 285), ("ru", 237), ("ar", 309)],
)
def test_xor_dev_questions_that_are_scored(language, answerable):
    needs("xor-tydi")
    assert len(XOR_RETRIEVE.load(language).relevance()) == answerable


def test_every_split_of_mr_tydi_and_miracl_loads():
    """Counts and content digests are those of Mr. TyDi 1.1 and MIRACL 1.0."""
    needs("mr-tydi-v1.1")
    needs("miracl-v1.0")
    loaded = [MR_TYDI.load(x, split) for x in MR_TYDI.subsets() for split in ("train", "dev", "test")]
    loaded += [MIRACL.load(x) for x in MIRACL.subsets()]
    assert len(loaded) == 51
    assert all(len(collection.queries()) == len(collection.relevance()) for collection in loaded)


def test_items_of_mr_tydi():
    needs("mr-tydi-v1.1")
    collection = MR_TYDI.load("ar", "dev")
    assert (collection.queries()[2].id, collection.queries()[2].text) == ("29", "ما هي منظمة الاوبك ؟")
    assert collection.relevance().judgements["29"] == {"233622#0": 1}


def test_questions_of_xquad_r_have_a_target_in_each_language():
    needs("lareqa-xquad-r")
    collection = XQUAD_R.load("mixed")
    assert {len(grades) for grades in collection.relevance().judgements.values()} == {11}
    languages = [document.language for document in collection.documents()]
    assert languages == sorted(languages), "documents of one language come one after the other"


def test_the_sample_of_mkqa_is_read_and_refused_as_incomplete(monkeypatch, tmp_path):
    needs("mkqa-sample")
    (tmp_path / "mkqa").mkdir()
    (tmp_path / "mkqa" / "mkqa.jsonl.gz").symlink_to(Path(DATA, "mkqa-sample/testdata/test_mkqa.jsonl.gz"))
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    found = {count.what: count.found for count in MKQA_CONTRIEVER.counts("ja")}
    assert found["questions"] == 6
    with pytest.raises(InputError, match="questions: 6 found, 10,000 expected"):
        MKQA_CONTRIEVER.load("ja")
