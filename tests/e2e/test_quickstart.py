"""The first minute: what `quickstart` prints and leaves behind, with BM25 alone and with an encoder at hand."""

from pathlib import Path

import pytest
from toys.cli import in_process

from lapca_bench import extras
from lapca_bench.cli import quickstart
from lapca_bench.experiment import spec
from lapca_bench.search import registry


@pytest.fixture(autouse=True)
def nothing_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def test_with_nothing_but_the_package_it_compares_bm25_and_names_what_is_lacking(capsys):
    ended = in_process("quickstart", capture=capsys)
    assert ended.code == 0, ended.err
    assert "questions in German, Hindi, Chinese" in ended.out
    assert "nDCG@10 on parallel-mini/start" in ended.out
    assert "left out: me5-small-q4" in ended.out
    assert "left out: lapca-r-small" in ended.out
    assert "lapca-bench fetch --experiment quickstart" in ended.out
    assert "[3/3]" in ended.err
    folder = Path("quickstart")
    assert (folder / "bars.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "tables" / "parallel-mini-start.md").exists()
    pages = folder / "board" / "index.html"
    assert pages.resolve().as_uri() in ended.out
    assert "parallel-mini" in pages.read_text(encoding="utf-8")


def test_without_torch_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in {"torch", "transformers"} else object())
    ended = in_process("quickstart", "--out", "first", capture=capsys)
    assert ended.code == 0
    assert f"install: {extras.installing('dense')}" in ended.out
    assert "not installed: torch, transformers" in ended.out


def test_again_computes_nothing_and_quiet_says_only_results(capsys):
    in_process("quickstart", capture=capsys)
    ended = in_process("quickstart", capture=capsys)
    assert ended.code == 0
    assert ended.err.count("reused") == 3
    ended = in_process("quickstart", "--quiet", capture=capsys)
    assert (ended.code, ended.err) == (0, "")
    assert "figure" in ended.out


def test_with_every_system_here_nothing_is_left_out(monkeypatch, capsys):
    found = spec.find(quickstart.EXPERIMENT)
    monkeypatch.setattr(spec, "find", lambda _: found.model_copy(update={"systems": ("bm25s", "char-ngrams")}))
    ended = in_process("quickstart", capture=capsys)
    assert ended.code == 0
    assert "left out" not in ended.out
    assert "char-ngrams" in ended.out


def test_the_experiment_is_small_enough_for_a_minute():
    """At four passages a second and ten questions, which a slow processor encodes, two encoders take less than 60 s."""
    from lapca_bench.collections.registry import expand, load

    wanted = spec.find(quickstart.EXPERIMENT)
    collections = [load(name) for name in expand(wanted.collections[0])]
    paragraphs = {document.id for collection in collections for document in collection.documents()}
    questions = sum(len(collection.queries()) for collection in collections)
    encoders = sum(registry.find_card(name).kind == "dense" for name in wanted.systems)
    assert encoders * (len(paragraphs) / 4 + questions / 25) < 50


def test_a_folder_that_holds_other_pages_is_left_alone(tmp_path, capsys):
    (tmp_path / "quickstart" / "board").mkdir(parents=True)
    (tmp_path / "quickstart" / "board" / "mine.html").write_text("mine")
    ended = in_process("quickstart", capture=capsys)
    assert ended.code == 2
    assert "holds something else" in ended.err
    assert (tmp_path / "quickstart" / "board" / "mine.html").read_text() == "mine"
