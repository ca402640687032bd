"""What the tests of the command line share: a tiny collection in files, a user's encoder, and the command itself."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WORDS = [
    "river",
    "stone",
    "cloud",
    "lamp",
    "bridge",
    "garden",
    "winter",
    "copper",
    "violin",
    "harbour",
    "saddle",
    "meadow",
]
LANGUAGES = ("de", "fr")

CARD = """\
name = "toy"
version = "3"
query_languages = ["de", "fr"]
document_languages = ["en"]
measures = ["nDCG@10", "RR@10", "R@100"]
depth = 20

[documents]
path = "corpus.jsonl"
language = "en"

[splits.test]
queries = { path = "queries.jsonl", fields = { language = "lang" } }
qrels = "qrels.txt"
"""

# Ten lines, as a user writes them; it counts its calls in a file, so that a test can see whether anything was encoded.
ENCODER = """\
import pathlib, zlib
import numpy as np

class Grams:
    def encode(self, texts):
        with (pathlib.Path(__file__).parent / "calls.txt").open("a") as log:
            log.write(f"{len(texts)}\\n")
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts):
            for i in range(len(text) - 2):
                row[zlib.crc32(text[i : i + 3].encode()) % 64] += 1
        return rows
"""


def write_collection(folder: Path) -> Path:
    """A collection of 40 documents and 2 × 15 queries whose texts share words with their relevant documents."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    texts = [" ".join(draw.choices(WORDS, k=6)) for _ in range(40)]
    with (folder / "corpus.jsonl").open("w") as out:
        for i, text in enumerate(texts):
            out.write(json.dumps({"id": f"d{i:02}", "title": f"t{i}", "text": text}) + "\n")
    with (folder / "queries.jsonl").open("w") as queries, (folder / "qrels.txt").open("w") as qrels:
        for language in LANGUAGES:
            for i in range(15):
                target = draw.randrange(40)
                words = [*texts[target].split()[:2], draw.choice(WORDS)]
                queries.write(json.dumps({"id": f"{language}-{i}", "text": " ".join(words), "lang": language}) + "\n")
                qrels.write(f"{language}-{i} 0 d{target:02} 2\n{language}-{i} 0 d{(target + 1) % 40:02} 1\n")
    (folder / "card.toml").write_text(CARD)
    return folder / "card.toml"


def write_encoder(folder: Path) -> str:
    """The user's file; returns what `--encoder` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(ENCODER)
    return f"{folder / 'mine.py'}:Grams"


def calls(folder: Path) -> int:
    """How many texts the user's encoder was given so far."""
    log = folder / "calls.txt"
    return sum(map(int, log.read_text().split())) if log.exists() else 0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def in_process(*words: str, capture) -> Ended:
    """The command line in this process; `capture` is pytest's capsys."""
    from lapca_bench.cli import main as command

    capture.readouterr()
    before = sys.argv
    sys.argv = ["lapca-bench", *words]
    try:
        with restored_signals():
            command.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    captured = capture.readouterr()
    return Ended(code, captured.out, captured.err)


@contextmanager
def restored_signals() -> Iterator[None]:
    """The command installs handlers for SIGINT and SIGTERM; a test process must get its own back."""
    import signal

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def command(*words: str) -> list[str]:
    """The command line as a process of its own."""
    return [sys.executable, "-c", "from lapca_bench.cli.main import main; main()", *words]


def in_own_process(*words: str, cache: Path, folder: Path) -> Ended:
    """The command line as a user's shell starts it."""
    done = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "LAPCA_BENCH_CACHE": str(cache)},
        check=False,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
