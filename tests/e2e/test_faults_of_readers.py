"""Files as people bring them, from reports of faults in tools like this one: each by its right value."""

import bz2
import codecs
import csv
import json
import lzma

import pytest

pytest.importorskip("bm25s")

from toys.cli import in_process

from lapca_bench.run import Run
from lapca_bench.store.runs import write_parquet

RUN = "q1 Q0 d1 1 9.5 t\nq1 Q0 d2 2 8.5 t\nq2 Q0 d4 1 7.0 t\nq2 Q0 d3 2 6.0 t\n"
QRELS = "q1 0 d1 1\nq2 0 d3 1\n"
VALUE = "0.7500"  # RR@10: 1 and 1/2
CARD = 'name = "toy"\nquery_languages = ["en"]\ndocument_languages = ["en"]\nmeasures = ["RR@10"]\nbeir = "toy"\n'


@pytest.fixture
def lapca(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "qrels").write_text(QRELS)
    (tmp_path / "a.run").write_text(RUN)

    def run(*words):
        ended = in_process(*words, capture=capsys)
        assert "Traceback" not in ended.out + ended.err
        return ended

    return run


def scored(lapca, run="a.run", qrels="qrels"):
    """RR@10 as `score` prints it, or its error."""
    ended = lapca("score", run, qrels, "-m", "RR@10")
    return ended.out.split()[-1] if ended.code == 0 else ended.err


@pytest.mark.parametrize(
    "line",
    [
        "q1 Q0 d1  1 9.5",  # a lacking tag and an aligned rank (trectools 34, ir_measures 14)
        "q1\tQ0\td1\t\t1\t9.5",
        "  q1 Q0 d1 1 9.5  ",
        "q1 Q0 d1 1 9.5 ",
    ],
)
def test_a_line_without_tag_is_refused(lapca, tmp_path, line):
    (tmp_path / "a.run").write_text("".join(f"{line}\n" for _ in range(2)))
    assert "a.run:1: 5 fields where 6 are expected" in scored(lapca)


@pytest.mark.parametrize(
    "spaced",
    [
        RUN.replace(" ", "\t"),
        RUN.replace(" ", "   "),
        RUN.replace(" d", " d").replace(" ", "\t ").replace("\t Q0", "   \tQ0"),
        RUN.replace("\n", "\r\n"),
        "\ufeff" + RUN,
        "\n".join(f"  {line}\t" for line in RUN.split("\n")),
        RUN.replace(" 1 ", "    1 ").replace(" 2 ", "\t2\t"),
    ],
)
def test_spacing_changes_no_number(lapca, tmp_path, spaced):
    (tmp_path / "a.run").write_text(spaced, newline="")
    assert scored(lapca) == VALUE


@pytest.mark.parametrize("odd", ["\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u200b", "\x0c"])
@pytest.mark.parametrize("name", ["a.run", "qrels"])
def test_unseen_characters_in_ids_are_refused_with_their_line(lapca, tmp_path, name, odd):
    text = {"a.run": RUN, "qrels": QRELS}[name]
    (tmp_path / name).write_text(text.replace("q2 ", f"q2{odd} ", 1))
    found = scored(lapca)
    assert f"{name}:{text[: text.index('q2 ')].count(chr(10)) + 1}: " in found
    assert "fix:" in found


def test_a_mark_between_joined_files_is_refused(lapca, tmp_path):
    (tmp_path / "a.run").write_text(RUN + "\ufeff" + RUN.replace("q", "r"))
    assert "a.run:5: a byte order mark" in scored(lapca)


@pytest.mark.parametrize("grade", ["1_0", "٣", "²", "１", "1.0", "0x1", "1e0"])
def test_odd_grades_are_refused_everywhere(lapca, tmp_path, grade):
    (tmp_path / "qrels").write_text(QRELS.replace(" 1\n", f" {grade}\n", 1))
    assert "qrels:1: the grade" in scored(lapca)
    folder = beir(tmp_path, [["q1", "d1", grade], ["q2", "d2", "1"]])
    for header in ("", "query-id\tcorpus-id\tscore\n"):
        (folder / "qrels" / "test.tsv").write_text(f"{header}q1\td1\t{grade}\n")
        ended = lapca("collections", "check", "toy.toml")
        assert f"test.tsv:{1 + bool(header)}: the grade {grade!r}" in ended.out + ended.err


@pytest.mark.parametrize("score", ["1_0", "٣", "１", "0x1", "nan"])
def test_odd_scores_are_refused(lapca, tmp_path, score):
    (tmp_path / "a.run").write_text(RUN.replace("8.5", score))
    assert f"a.run:2: score {score!r}" in scored(lapca)


def beir(folder, qrels, corpus=("d1", "d2", "d3"), **change):
    """A BEIR folder of three documents about three things, and its card."""
    made = folder / "toy"
    (made / "qrels").mkdir(parents=True, exist_ok=True)
    words = ("rivers", "bridges", "gardens")
    documents = [
        {"_id": name, "title": "", "text": f"all about {word}"} for name, word in zip(corpus, words, strict=True)
    ]
    queries = [{"_id": f"q{i}", "text": word} for i, word in enumerate(words, start=1)]
    for name, records in (("corpus", documents), ("queries", queries)):
        (made / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with (made / "qrels" / "test.tsv").open("w", newline="") as out:
        writer = csv.writer(out, delimiter="\t", quoting=csv.QUOTE_MINIMAL)  # as BEIR writes them
        if change.get("header", True):
            writer.writerow(["query-id", "corpus-id", "score"])
        writer.writerows(qrels)
    (folder / "toy.toml").write_text(CARD)
    return made


def ran(lapca):
    """The mean of BM25 on the card, and what was said on the way."""
    ended = lapca("run", "-s", "bm25s", "-c", "toy.toml", "--out", "r", "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["cells"][0]["mean"], ended.err


def test_ids_in_csv_quotes(lapca, tmp_path):
    names = ('"Blue"_Rivers', "\"O'Hara", "Cats")
    beir(tmp_path, [[f"q{i}", name, 1] for i, name in enumerate(names, start=1)], names)
    mean, said = ran(lapca)
    assert mean == 1.0
    assert "not in the collection" not in said


def test_judgements_without_a_header_keep_the_first(lapca, tmp_path):
    beir(tmp_path, [["q1", "d1", 2], ["q2", "d2", 1], ["q3", "d1", 1]], header=False)
    assert ran(lapca)[0] == pytest.approx((1 + 1 + 1 / 3) / 3)  # of two queries it would be 2/3


@pytest.mark.parametrize("pack", [lambda c: codecs.encode(c, "bz2"), lzma.compress])
def test_packed_folders(lapca, tmp_path, pack):
    made = beir(tmp_path, [["q1", "d1", 1]])
    for path in [*made.glob("*.jsonl"), *made.glob("qrels/*")]:
        packed = pack(path.read_bytes())
        path.with_name(path.name + (".bz2" if packed.startswith(b"BZh") else ".xz")).write_bytes(packed)
        path.unlink()
    assert ran(lapca)[0] == 1.0


def test_a_blank_behind_an_id_is_refused(lapca, tmp_path):
    beir(tmp_path, [["q1", "d1 ", 1]])
    ended = lapca("run", "-s", "bm25s", "-c", "toy.toml", "--out", "r")
    assert ended.code != 0
    assert "test.tsv:2: white space in the id 'd1 '" in ended.out + ended.err


def test_judged_documents_that_are_not_there_are_told(lapca, tmp_path):
    beir(tmp_path, [["q1", "d1", 1], ["q2", "x1", 1], ["q2", "x2", 1], ["q3", "x3", 1], ["q3", "x4", 0]])
    mean, said = ran(lapca)
    assert mean == pytest.approx(1 / 3)
    assert "4 of 5 judged documents (80 %) are not in the collection, such as 'x1', 'x2', 'x3'" in said
    (tmp_path / "own.run").write_text("q1 Q0 d1 1 1 t\n")
    assert "4 of 5 judged documents (80 %)" in lapca("score", "own.run", "-c", "toy.toml").err


def test_a_run_of_other_documents_is_told(lapca, tmp_path):
    (tmp_path / "a.run").write_text(RUN.replace(" d", " doc-"))
    ended = lapca("score", "a.run", "qrels")
    assert "no judged document is in run 't' (the run has 'doc-1', the judgements 'd1')" in ended.err


def test_compare_reads_what_search_writes_and_compressed_runs(lapca, tmp_path):
    write_parquet(Run.from_dict("p", {"q1": {"d1": 2.0}, "q2": {"d3": 1.0}}), tmp_path / "p.parquet")
    (tmp_path / "p.parquet").rename(tmp_path / "p.run")
    (tmp_path / "b").write_bytes(bz2.compress(RUN.encode()))
    ended = lapca("compare", "p.run", "b", "a.run", "--qrels", "qrels", "-m", "RR@10", "--json")
    assert ended.code == 0, ended.err
    means = {row["system"]: row["RR@10"] for row in json.loads(ended.out)["rows"]}
    assert means == {"p": 1.0, "t": 0.75, "a.run": 0.75}


def test_two_spellings_are_one_measure(lapca, tmp_path):
    (tmp_path / "b.run").write_text(RUN.replace("7.0", "5.0"))
    for more in ([], ["--per-query"], ["--ties"]):
        ended = lapca("score", "a.run", "qrels", "-m", "MRR@10", "-m", "RR@10", *more)
        assert ended.code == 0, ended.err
        assert sum(line.startswith(("MRR@10", "RR@10")) for line in ended.out.splitlines()) == 1
    document = json.loads(lapca("score", "a.run", "qrels", "-m", "MRR@10", "-m", "RR@10", "--json").out)
    assert document["measures"] == {"MRR@10": 0.75}
    words = ["compare", "a.run", "b.run", "--qrels", "qrels", "--json"]
    both, one = (json.loads(lapca(*words, *more).out) for more in (["-m", "MRR@10", "-m", "RR@10"], ["-m", "RR@10"]))
    assert both == one
    beir(tmp_path, [["q1", "d1", 1]])
    ended = lapca("run", "-s", "bm25s", "-c", "toy.toml", "--out", "r", "-m", "MRR@10", "-m", "RR@10")
    assert ended.out.count("tables: ") == 1


def test_a_python_file_and_a_card_with_a_mark(lapca, tmp_path):
    beir(tmp_path, [["q1", "d1", 1]])
    source = "import numpy as np\ndef grams(texts):\n    return np.eye(64)[[len(text) % 64 for text in texts]]\n"
    for name, text in (
        ("mine.py", source),
        ("toy.toml", CARD),
        ("x.toml", 'systems = ["mine.py:grams"]\ncollections = ["toy.toml"]\n'),
    ):
        (tmp_path / name).write_bytes(codecs.BOM_UTF8 + text.encode())
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        path = tmp_path / "toy" / name
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    ended = lapca("run", "-x", "x.toml", "--out", "r")
    assert ended.code == 0, ended.err + ended.out
    (tmp_path / "toy.toml").write_bytes(CARD.encode("utf-16"))
    assert "UTF-16, where UTF-8 is read" in lapca("run", "-x", "x.toml", "--out", "r2").err
