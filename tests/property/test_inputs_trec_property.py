"""Run and qrels files, however they are spaced: the readers agree, and agree with pytrec_eval where it reads them."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.errors import InputError
from lapca_bench.inputs import trec
from lapca_bench.store import run_columns as columns
from lapca_bench.store.runs import read_qrels, read_run
from lapca_bench.vocabulary import sorted_vocabulary

pytrec_eval = pytest.importorskip("pytrec_eval")

WORD = st.text(st.sampled_from("abq17_-#üβ書\u200d"), min_size=1, max_size=5)
UNSEEN = ["\xa0", "\u2003", "\u3000", "\x85", "\u2028", "\u200b", "\ufeff", "\x0b", "\x0c", "\x1c", "\r", "\x00"]
ODD_NUMBERS = ("1_0", "٣", "０", "nan", "inf", "1e39", "0x1", "²", "x")
ODD_GRADES = ("1_0", "1.0", "1e0", "٣", "²", "１", "0x1")
GAP = st.sampled_from([" ", " ", "\t", "  ", "\t\t", " \t ", "      "])
PAD = st.sampled_from(["", "", "", " ", "\t", "  \t"])
END = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", " \n"])


def seldom(usual, odd):
    """`odd` once in twenty."""
    return st.integers(0, 19).flatmap(lambda drawn: odd if drawn == 0 else usual)


ID = seldom(WORD, st.tuples(WORD, st.sampled_from(UNSEEN), WORD).map("".join))
NUMBER = seldom(st.sampled_from(["1", "0.5", "-2", "1e-3", ".25", "2."]), st.sampled_from(["+3", *ODD_NUMBERS]))
GRADE = seldom(st.sampled_from(["0", "1", "2", "-1"]), st.sampled_from(["+1", *ODD_GRADES]))


@st.composite
def files(draw, last):
    """A file of lines of one kind, mostly well formed; now and then a field is lacking or there is one more."""
    text = draw(st.sampled_from(["", "", "\ufeff"]))
    gap = draw(GAP)
    for place in range(draw(st.integers(0, 6))):
        fields = [draw(ID), "Q0", f"{draw(ID)}{place}", *last(draw)]
        change = draw(st.integers(0, 29))
        fields = fields[:-1] if change == 0 else [*fields, "more"] if change == 1 else fields
        gaps = [gap if draw(st.booleans()) else draw(GAP) for _ in fields]
        line = "".join(field + space for field, space in zip(fields, gaps, strict=True)).rstrip(" \t")
        text += draw(PAD) + line + draw(PAD) + draw(END)
    return text


def run_line(draw):
    return [draw(st.sampled_from(["1", "  1", "17"])), draw(NUMBER), draw(WORD)]


def outcome(reader):
    """What a reader makes of a file: its rows, or what it refuses and in which line."""
    try:
        found = reader()
    except InputError as error:
        assert error.line is not None
        assert error.remedy
        return error.message, error.line
    queries = [found.queries[row] for row in np.asarray(found.rows, dtype=int).tolist()]
    documents = found.documents if isinstance(found.documents, list) else found.documents.to_pylist()
    return queries, documents, np.asarray(found.scores, dtype=float).tolist(), found.tag


@given(files(run_line))
def test_both_readers_of_runs_agree(text):
    content, path = text.encode(), Path("a.run")
    assert outcome(lambda: columns.run_columns(content, path)) == outcome(
        lambda: columns.columns_by_line(text.removeprefix("\ufeff"), path)
    )


def theirs(parse, text):
    try:
        return parse(line for line in text.removeprefix("\ufeff").split("\n") if line.strip())
    except (ValueError, AssertionError):
        return None


@given(files(run_line))
def test_a_run_is_what_pytrec_eval_reads_or_refused(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.run")
        path.write_bytes(text.encode())
        try:
            run = read_run(path)
        except InputError as error:
            assert error.remedy
            strange = trec.ODD.search(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\n", ""))
            # What pytrec_eval reads and this does not is ambiguous: characters that nobody sees, Python's own numbers.
            assert theirs(pytrec_eval.parse_run, text) is None or strange or any(odd in text for odd in ODD_NUMBERS)
            return
    read = {query: dict(run.ranking(query)) for query in run.queries}
    expected = theirs(pytrec_eval.parse_run, text)
    assert expected is not None
    assert {q: {d: np.float32(s) for d, s in of.items()} for q, of in expected.items()} == read


@given(files(lambda draw: [draw(GRADE)]))
def test_judgements_are_what_pytrec_eval_reads_or_refused(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.qrels")
        path.write_bytes(text.encode())
        try:
            judged = read_qrels(path).judgements
        except InputError as error:
            assert error.line
            assert error.remedy
            return
    assert {query: dict(graded) for query, graded in judged.items()} == theirs(pytrec_eval.parse_qrel, text)


@given(
    st.lists(st.text(st.sampled_from("ab\0üz9"), max_size=40) | st.integers(0, 300).map("collection_part_{}".format))
)
def test_vocabulary_is_sorted_and_codes_point_into_it(ids):
    vocabulary, codes = sorted_vocabulary(ids)
    assert vocabulary.tolist() == sorted(set(ids), key=str.encode)
    assert [vocabulary[code] for code in codes] == ids
