"""MIRACL's corpus comes in numbered parts."""

import dataclasses
import gzip
import json

import pytest

from lapca_bench.collections.catalogue import read_catalogue
from lapca_bench.collections.formats.trec import TrecFamily
from lapca_bench.collections.miracl import MIRACL, _files
from lapca_bench.errors import InputError


@pytest.fixture
def family(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    hub = tmp_path / "miracl-v1.0" / "miracl-v1.0-yo"
    for kind, content in (("topics", "1\tIbo ni?\n"), ("qrels", "1\tQ0\t5#0\t1\n1\tQ0\t5#1\t0\n")):
        (hub / kind).mkdir(parents=True)
        (hub / kind / f"{kind}.miracl-v1.0-yo-dev.tsv").write_text(content)
    corpus = tmp_path / "miracl-v1.0" / "miracl-corpus-v1.0-yo"
    corpus.mkdir()
    for part in (0, 1, 2, 10):
        record = {"docid": f"5#{part}", "title": "T", "text": f"part {part}"}
        with gzip.open(corpus / f"docs-{part}.jsonl.gz", "wt") as handle:
            handle.write(json.dumps(record) + "\n")
    counts = {"yo": {"documents": 4, "dev": {"queries": 1, "judgements": 2}}}
    facts = dataclasses.replace(read_catalogue("miracl"), expected=counts, digests={})
    return TrecFamily("miracl", _files, MIRACL.card("yo").policy, ("dev",), facts)


def test_parts_come_in_the_order_of_their_numbers(family):
    assert [document.id for document in family.load("yo").documents()] == ["5#0", "5#1", "5#2", "5#10"]


def test_grade_zero_is_judged_and_not_relevant(family):
    qrels = family.load("yo").relevance()
    assert qrels.judgements == {"1": {"5#0": 1, "5#1": 0}}
    assert qrels.relevant("1") == {"5#0"}
    assert all(count.equal for count in family.counts("yo"))


def test_a_missing_part_is_noticed(family, tmp_path):
    (tmp_path / "miracl-v1.0" / "miracl-corpus-v1.0-yo" / "docs-2.jsonl.gz").unlink()
    with pytest.raises(InputError, match="3 found, 4 expected"):
        list(family.load("yo").documents())
