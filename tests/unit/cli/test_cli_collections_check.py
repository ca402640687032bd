"""`collections check`: counts beside the published ones of whatever is here; a bad file does not hide the others."""

import json

import pytest
from toys.cli import in_process


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with one whole pair of Tatoeba, and no cache."""
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "tatoeba"
    folder.mkdir(parents=True)
    for side in ("ang", "eng"):
        (folder / f"tatoeba.ang-eng.{side}").write_text("".join(f"{side} {i}\n" for i in range(134)))
    return tmp_path / "data"


def test_what_is_whole_has_no_difference(data, capsys):
    done = in_process("collections", "check", "--all-present", capture=capsys)
    assert done.code == 0
    assert "tatoeba/ang-eng" in done.out
    rows = [line.split()[0] for line in done.out.splitlines()[1:]]
    assert [name for name in rows if not name.startswith("parallel-mini/")] == 2 * ["tatoeba/ang-eng"] + 2 * [
        "tatoeba/eng-ang"
    ]
    assert "0 differ" in done.err


def test_a_file_cut_short_differs(data, capsys):
    path = data / "tatoeba" / "tatoeba.ang-eng.eng"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    done = in_process("collections", "check", "tatoeba/ang-eng", capture=capsys)
    assert done.code == 1
    (line,) = (line.split() for line in done.out.splitlines() if "DIFFERS" in line)
    assert line == ["tatoeba/ang-eng", "documents", "(ang-eng)", "134", "133", "DIFFERS"]
    assert "1 differ" in done.err


def test_a_malformed_file_is_named_with_its_line_and_the_others_are_counted(data, capsys):
    (data / "xor-tydi").mkdir()
    questions = data / "xor-tydi" / "xor_dev_retrieve_eng_span_v1_1.jsonl"
    questions.write_text('{"id": "1", "question": "q", "lang": "te", "answers": ["a"]}\n{"id": "2"\n')
    done = in_process("collections", "check", "xor-retrieve/te", "tatoeba/ang-eng", capture=capsys)
    assert done.code == 1
    assert f"{questions}:2: not JSON" in done.out
    assert "2 counts of 1 collections, 0 differ" in done.err
    assert "1 collections cannot be read" in done.err


def test_questions_without_their_passages_are_counted(data, capsys):
    (data / "xor-tydi").mkdir()
    questions = data / "xor-tydi" / "xor_dev_retrieve_eng_span_v1_1.jsonl"
    questions.write_text('{"id": "1", "question": "q", "lang": "te", "answers": ["a"]}\n')
    done = in_process("collections", "check", "--all-present", "--json", capture=capsys)
    found = {(r["collection"], r["what"]): (r["expected"], r["found"]) for r in json.loads(done.out)}
    assert found["xor-retrieve/te", "dev answerable (te)"] == (238, 1)
    assert done.code == 1


def test_nothing_to_count_says_so(data, capsys):
    done = in_process("collections", "check", "xquad-r/th", capture=capsys)
    assert done.code == 0
    assert "nothing to count here of xquad-r/th" in done.err
