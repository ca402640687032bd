import gzip

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lapca_bench.errors import InputError
from lapca_bench.run import Qrels, Run
from lapca_bench.store.runs import read_parquet, read_qrels, read_trec, write_parquet, write_qrels, write_trec

RUN = Run.from_dict("my run", {"q2": {"a": 1.5, "b": 1.5, "c": 0.1}, "q1": {"ü": -0.0, "a": 1e-30}})


def test_trec_lines(tmp_path):
    path = tmp_path / "run.trec"
    write_trec(RUN, path)
    assert path.read_text("utf-8").splitlines() == [
        "q2 Q0 b 1 1.5 my_run",
        "q2 Q0 a 2 1.5 my_run",
        "q2 Q0 c 3 0.1 my_run",
        "q1 Q0 a 1 1e-30 my_run",
        "q1 Q0 ü 2 0 my_run",
    ]


@pytest.mark.parametrize("name", ["run.trec", "run.trec.gz"])
def test_trec_comes_back(tmp_path, name):
    write_trec(RUN, tmp_path / name)
    read = read_trec(tmp_path / name)
    assert list(read.rows()) == list(RUN.rows())
    assert read.name == "my_run"
    assert read_trec(tmp_path / name, "other").name == "other"


def test_compressed_runs_are_equal_bytes(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_trec(RUN, tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        "q Q0 a 7 2.5 t\nq Q0 b 1 3 t\n",
        "q\tQ0\ta\t1\t2.5\tt\nq\tQ0\tb\t2\t3\tt\n",
        "\n  q   Q0 a 1 2.5 t \r\nq\tQ0 b 2 3 t",
        "\ufeffq Q0 a 1 2.5 t\n\nq Q0 b 2 3 t\n",
    ],
)
def test_ways_to_write_the_same_run(tmp_path, content):
    path = tmp_path / "run"
    path.write_text(content, "utf-8", newline="")
    assert read_trec(path).ranking("q") == [("b", 3.0), ("a", 2.5)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("q Q0 b 2 1.0", "5 fields where 6"),
        ("q Q0 b c 2 1.0 t", "7 fields where 6"),
        ("q Q0  2 1.0 t", "5 fields where 6"),
        ("q Q0 b 2 nan t", "'nan' is not a finite"),
        ("q Q0 b 2 inf t", "'inf' is not a finite"),
        ("q Q0 b 2 1e39 t", "'1e39' is not a finite"),
        ("q Q0 b 2 1_0 t", "'1_0' is not a finite"),
        ("q Q0 b 2 high t", "'high' is not a finite"),
        ("q Q0 a 2 1.0 t", "query 'q' holds document 'a' twice"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, bad, message):
    path = tmp_path / "run"
    path.write_text(f"q Q0 a 1 2.0 t\n{bad}\nq Q0 z 3 0.5 t\n")
    with pytest.raises(InputError, match=message) as raised:
        read_trec(path)
    assert (raised.value.path, raised.value.line) == (path, 2)
    assert raised.value.remedy


@pytest.mark.parametrize(("read", "behind"), [(read_trec, b" 2.0 t"), (read_qrels, b"")])
def test_bytes_that_are_not_utf8_are_named(tmp_path, read, behind):
    path = tmp_path / "file"
    path.write_bytes(b"q 0 a 1" + behind + b"\nq 0 \xff 1" + behind + b"\n")
    with pytest.raises(InputError, match="not UTF-8") as raised:
        read(path)
    assert (raised.value.path, raised.value.line) == (path, 2)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"q Q0 a 1 2 t\n" * 99)[:-9]])
def test_damaged_compression_is_named(tmp_path, content):
    path = tmp_path / "run.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="compressed"):
        read_trec(path)


def test_a_missing_file_is_named(tmp_path):
    for read in (read_trec, read_qrels, read_parquet):
        with pytest.raises(InputError, match=r"[Nn]o such file"):
            read(tmp_path / "none")


@pytest.mark.parametrize("document", ["two words", "\u00a0", "a\tb", "lone \ud800"])
def test_ids_that_the_format_cannot_carry_are_refused(tmp_path, document):
    path = tmp_path / "run"
    with pytest.raises(InputError, match="id"):
        write_trec(Run.from_dict("r", {document: {"a": 1.0}}), path)
    assert not path.exists()


def test_an_empty_run_file(tmp_path):
    (tmp_path / "run").write_text("")
    assert len(read_trec(tmp_path / "run")) == 0


def test_qrels_come_back(tmp_path):
    qrels = Qrels({"q": {"a": 2, "b": 0}, "r": {"c": -1}})
    write_qrels(qrels, tmp_path / "qrels")
    assert read_qrels(tmp_path / "qrels") == qrels


@pytest.mark.parametrize(
    ("bad", "message"), [("q 0 a 2", "as 1 and as 2"), ("q 0 b 1.5", "whole number"), ("q 0 b", "3 fields where 4")]
)
def test_a_malformed_judgement_is_named(tmp_path, bad, message):
    path = tmp_path / "qrels"
    path.write_text(f"q 0 a 1\n{bad}\n")
    with pytest.raises(InputError, match=message) as raised:
        read_qrels(path)
    assert raised.value.line == 2


def test_parquet_keeps_everything(tmp_path):
    run = Run.from_columns(
        "r", ["none", "q"], [1, 1], ["b c", "a"], [1.0, 1.0], {"timings": {"rank": 1.5}, "first": "ü"}
    )
    write_parquet(run, tmp_path / "run.parquet")
    read = read_parquet(tmp_path / "run.parquet")
    assert (read.name, read.queries, read.notes) == (run.name, run.queries, run.notes)
    assert list(read.rows()) == list(run.rows())


def test_parquet_of_other_tools(tmp_path):
    table = pa.table({"query": ["q", "q"], "document": ["a", "b"], "score": pa.array([1, 2], pa.int32())})
    parquet.write_table(table, tmp_path / "theirs.parquet")
    read = read_parquet(tmp_path / "theirs.parquet")
    assert (read.name, read.ranking("q")) == ("theirs", [("b", 2.0), ("a", 1.0)])


@pytest.mark.parametrize(
    "columns",
    [
        {"query": ["q"], "document": ["a"]},
        {"query": ["q"], "document": ["a"], "score": ["high"]},
        {"query": ["q"], "document": ["a"], "score": [np.nan]},
        {"query": ["q", "q"], "document": ["a", "a"], "score": [1.0, 2.0]},
        {"query": ["q"], "document": [None], "score": [1.0]},
    ],
)
def test_parquet_that_is_no_run_is_named(tmp_path, columns):
    path = tmp_path / "run.parquet"
    parquet.write_table(pa.table(columns), path)
    with pytest.raises(InputError) as raised:
        read_parquet(path)
    assert raised.value.path == path


def test_damaged_parquet_is_named(tmp_path):
    path = tmp_path / "run.parquet"
    write_parquet(RUN, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot read a run"):
        read_parquet(path)


def test_a_query_id_that_parquet_cannot_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="not valid Unicode"):
        write_parquet(Run.from_dict("r", {"\ud800": {"a": 1.0}}), tmp_path / "run.parquet")
