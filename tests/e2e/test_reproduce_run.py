"""`reproduce --run`: from an empty cache and a mirror to the table of published and measured numbers."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toys.bad_server import BadServer
from toys.small_corpora import World

TESTS = Path(__file__).parents[1]
KILLS = int(os.environ.get("LAPCA_BENCH_KILLS", "2"))
FUSED = """\
name = "both"
title = "BM25 and character n-grams"
kind = "fusion"
licence = "none"
citation = "none"
url = "https://example.org"
languages = ["*"]

[fusion]
systems = ["bm25s", "char-ngrams"]
method = "rrf"
"""


@pytest.fixture
def server():
    """A mirror that now and then cuts or is busy."""
    with BadServer(World().served, 7, ("cut", "busy", "slow down"), share=0.2).running() as running:
        yield running


def environment(folder, server):
    kept = {name: value for name, value in os.environ.items() if name != "LAPCA_BENCH_DATA"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "LAPCA_BENCH_CACHE": str(folder / "cache"),
        "LAPCA_BENCH_MIRROR": server.address,
        "LAPCA_BENCH_QUIET": "1",
    }


def started(folder, server, *arguments):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "toys.small_corpora", "reproduce", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment(folder, server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(folder, server, *arguments):
    process = started(folder, server, *arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def cells(out):
    return [record for record in json.loads(out) if record["measured"] is not None]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("xor-retrieve-dev", "ar,te"),
        ("mr-tydi", "sw,te,th"),
        ("mkqa-bge-m3", "ar,da"),
        ("mkqa-contriever", "ar,da"),
    ],
)
def test_every_lettered_table_runs_from_an_empty_cache(tmp_path, server, table, columns):
    (tmp_path / "both.toml").write_text(FUSED)
    rows = ["--rows", "bm25s,char-ngrams,both.toml", "--columns", columns]
    arguments = [table, "--run", "--fetch", *rows, "--format", "json"]
    code, out, err = finished(tmp_path, server, *arguments)
    assert code == 0, err
    found = cells(out)
    assert {record["system"] for record in found} == {"bm25s", "char-ngrams", "both"}
    assert {record["language"] for record in found} == set(columns.split(","))
    assert all(0 <= record["measured"] <= 100 for record in found)
    assert max(record["measured"] for record in found if record["system"] == "bm25s") > 90


def test_killed_at_random_it_ends_with_the_same_table(tmp_path, server):
    arguments = ["xor-retrieve-dev", "--run", "--rows", "bm25s,char-ngrams", "--columns", "ar,te"]
    arguments += ["--fetch", "--format", "json"]
    _, undisturbed, _ = finished(tmp_path / "whole", server, *arguments)
    chance = random.Random(1)
    for _ in range(KILLS):
        process = started(tmp_path / "killed", server, *arguments)
        time.sleep(chance.uniform(0.5, 6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, out, err = finished(tmp_path / "killed", server, *arguments)
    assert code == 0, err
    assert cells(out) == cells(undisturbed) != []


def test_a_dry_run_says_what_it_would_fetch_and_does_nothing(tmp_path, server):
    code, out, err = finished(tmp_path, server, "mr-tydi", "--run", "--rows", "bm25s", "--columns", "sw", "--dry-run")
    assert code == 0, err
    assert "mr-tydi-corpus-sw" in out
    assert "200" in out
    assert not list(tmp_path.glob("cache/resources/*"))
    assert not list(tmp_path.glob("lapca-results"))


def test_without_fetch_the_error_names_the_command(tmp_path, server):
    code, _, err = finished(tmp_path, server, "mr-tydi", "--run", "--rows", "bm25s", "--columns", "sw")
    assert code == 1
    assert "lapca-bench fetch mr-tydi" in err
