"""Passages survive being written by csv and read by the DPR reader."""

import csv

from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.collections.formats.dpr import passages

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=40)
rows = st.lists(st.tuples(text, text), max_size=8)


@given(rows)
def test_passages_round_trip(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("passages") / "psgs.tsv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(["id", "text", "title"])
        writer.writerows((str(i), body, title) for i, (body, title) in enumerate(content))
    found = [(d.id, d.text, d.title) for d in passages(path, "en")]
    assert found == [(str(i), body, title) for i, (body, title) in enumerate(content)]
