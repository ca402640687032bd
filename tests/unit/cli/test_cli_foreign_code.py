"""A dry run, a plan and a check run no code of a file unasked: they name it (fault 30)."""

from __future__ import annotations

import pytest
from toys.cli import in_process, write_collection

CODE = """
import pathlib
pathlib.Path(__file__).with_name("was-run").touch()
class E:
    def encode(self, texts): return [[1.0, 2.0] for _ in texts]
def make(card, workspace): raise RuntimeError
"""
CARD = 'name = "dd"\ntitle = "t"\nkind = "{}"\nlicence = "MIT"\ncitation = ""\nurl = ""\nlanguages = ["*"]\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_collection(tmp_path)
    (tmp_path / "p.py").write_text(CODE)
    (tmp_path / "p.toml").write_text(CARD.format("dense") + '[encoder]\ntype = "python"\npath = "p.py:E"\n')
    (tmp_path / "over.toml").write_text(CARD.format("margin").replace("dd", "over") + '[margin]\nsystem = "p.toml"\n')
    (tmp_path / "built.toml").write_text(CARD.format("own").replace("dd", "built") + 'builder = "p:make"\n[settings]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("system", ["p.toml", "over.toml", "built.toml", "p.py:E"])
@pytest.mark.parametrize(
    "words",
    [
        "run --dry-run -c card.toml -s",
        "run --dry-run --json -c card.toml -s",
        "systems check",
        "systems tokens -c card.toml",
        "systems info",
        "plan --documents 10 -s",
        "encode --dry-run -c card.toml -s",
        "systems new",
    ],
)
def test_code_of_a_file_is_named_and_not_run(folder, capsys, words, system):
    ended = in_process(*words.split(), system, capture=capsys)
    assert not (folder / "was-run").exists()
    assert "Traceback" not in ended.err
    if "run" in words or "check" in words or "plan" in words or "encode" in words:
        assert ("p:make" if system == "built.toml" else "p.py") in ended.out + ended.err


@pytest.mark.parametrize("words", ["run --dry-run -c card.toml -s", "systems check"])
def test_it_is_run_when_asked_to(folder, capsys, words):
    in_process(*words.split(), "p.toml", "--run-code", capture=capsys)
    assert (folder / "was-run").exists()


def test_a_dry_run_tells_of_the_other_systems_too(folder, capsys, tmp_path):
    ended = in_process("run", "--dry-run", "-c", "card.toml", "-s", "p.toml", "-s", "bm25", capture=capsys)
    assert "runs code: " in ended.out
    assert "bm25" in ended.out
    assert ended.code == 0
