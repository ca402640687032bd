"""Nothing but `fetch` touches the network: every other verb works with all connections refused, and tries none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from toys.cli import Ended, in_process, write_collection, write_encoder


class RefusedError(Exception):
    """A connection was tried."""


@pytest.fixture
def tried(monkeypatch):
    """Every connection and every look-up of a name is refused and noted."""
    found: list[str] = []

    def refuse(what: str):
        def refusing(*arguments, **_keywords):
            found.append(f"{what} {arguments[-1:]}")
            raise RefusedError(what)

        return refusing

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse(name))
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse(name))
    return found


@pytest.fixture
def lapca(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    write_collection(tmp_path / "data")
    write_encoder(tmp_path)

    def run(*words: str) -> Ended:
        return in_process(*words, capture=capsys)

    return run


def test_the_verbs_of_an_evaluation(lapca, tried):
    job = ("-e", "mine.py:Grams", "-c", "data/card.toml")
    assert lapca("run", *job, "-o", "results", "-q").code == 0
    assert lapca("encode", "-s", "mine.py:Grams", "-c", "data/card.toml", "-q").code == 0
    assert lapca("search", "-s", "mine.py:Grams", "-c", "data/card.toml", "-o", "a.run", "-q").code == 0
    assert lapca("score", "a.run", "data/qrels.txt").code == 0
    assert lapca("table", "-c", "files/toy", "--results", "results").code == 0
    assert lapca("export", "-c", "data/card.toml", "--results", "results", "-o", "trec").code == 0
    assert tried == []


def test_the_verbs_that_look_around(lapca, tried):
    for words in (
        ("collections", "list"),
        ("systems", "list"),
        ("systems", "info", "me5-small-q4"),
        ("experiments", "list"),
        ("fetch",),
        ("cache", "ls"),
        ("cache", "verify"),
        ("doctor",),
    ):
        ended = lapca(*words)
        assert ended.code in {0, 1}, (words, ended.err)
        assert "RefusedError" not in ended.out + ended.err, words
    assert tried == []


def test_the_verbs_of_boards_and_comparisons(lapca, tried, monkeypatch):
    """Some of these end with an error here (no pool, no aligned sentences): it must be their own, no connection's."""
    from lapca_bench.experiment import estimate

    monkeypatch.setattr(estimate.measure, "__defaults__", (0.01,))
    assert (
        lapca("run", "-e", "mine.py:Grams", "-s", "char-ngrams", "-c", "data/card.toml", "-o", "results", "-q").code
        == 0
    )
    for words in (
        ("compare", "--collection", "files/toy", "--results", "results"),
        ("bias", "-c", "data/card.toml", "-s", "mine.py:Grams"),
        ("bitext", "-c", "data/card.toml", "-s", "mine.py:Grams"),
        ("tune", "-s", "char-ngrams", "-c", "data/card.toml", "--split", "test", "-o", "tuned.toml"),
        ("quickstart", "-o", "first"),
        ("plan", "-s", "me5-small-q4", "--documents", "9"),
        ("published", "check"),
        ("reproduce", "mr-tydi"),
        ("board", "build", "--out", "site", "--results", "results"),
        ("board", "verify", "--results", "results"),
        ("plot", "languages", "-c", "files/toy", "--results", "results", "-o", "a.svg"),
        ("submit", "results", "-o", "s.parquet"),
        ("mine", "--corpus", "parallel", "--method", "lead", "-o", "pairs.parquet"),
        ("pretrain", "-p", "pairs.parquet", "-o", "model"),
        ("finetune", "-q", "questions.json", "-o", "tuned"),
        ("ablate", "--plan", "small", "--out", "ablation", "-n"),
        ("heads", "make", "centring", "-s", "mine.py:Grams", "-o", "head.safetensors"),
        ("delta", "model", "-o", "small"),
    ):
        ended = lapca(*words)
        assert ended.code in {0, 1, 2}, (words, ended.err)
        assert "RefusedError" not in ended.out + ended.err, words
        assert "Traceback" not in ended.out + ended.err, words
    assert tried == []


def test_no_verb_is_left_out():
    """Every verb is run above with connections refused; `fetch` alone may make one."""
    from lapca_bench.cli.main import VERBS

    here = Path(__file__).read_text(encoding="utf-8")
    names = [first if isinstance(first, str) else first.__name__.rstrip("_") for first, _ in VERBS]
    assert [name for name in names if f'"{name}"' not in here] == []


def test_a_hub_name_is_not_looked_up(lapca, tried, tmp_path, monkeypatch):
    """A checkpoint that is not on this machine is an error with the command that brings it, never a download."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    card = Path("hub.toml")
    card.write_text(
        'name = "hub"\ntitle = "t"\nkind = "dense"\nlicence = "x"\ncitation = "x"\nurl = "https://example.org"\n'
        'languages = ["de"]\n[encoder]\ntype = "transformer"\ncheckpoint = "somebody/some-model"\npooling = "mean"\n'
    )
    ended = lapca("encode", "-s", str(card), "-c", "data/card.toml", "-q")
    assert ended.code != 0
    assert "lapca-bench fetch hub:somebody/some-model" in ended.err
    assert tried == []
