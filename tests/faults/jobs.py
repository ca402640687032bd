"""The verbs that the fault harness kills: what each is given, what it leaves, and which of that must not differ.

Everything is compared byte for byte but for this list, each entry with its reason:

* `result.json`: the time it finished, timings, how many texts this process encoded or found in the cache and the
  command's environment are part of a result's provenance; key,
  aggregates, digests of system and collection and the rest of the provenance are compared.
* `run-*.parquet`: carries the timings of its search; queries, documents, scores and their order are compared.
* `indexes/`: Lucene gives every segment a random id; that the index matches its digests is checked, and the run file
  that its search writes is compared byte for byte.
* `lapca-bench.log`: its lines begin with the time of day, and a second start writes more of them.
* `locks/`, `.locks/`, `numba/`: empty files, and compiled code of a library; no artefacts.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys.cli import write_collection, write_encoder

SHARD = 8  # texts: the toy collection makes nine shards of it
RECIPE = """\
name = "toy"
seed = 3
[encoder]
type = "transformer"
checkpoint = "{start}"
pooling = "mean"
query_max_length = 16
document_max_length = 16
[pairs]
held_out = 8
[views]
sentence = 0.0
monolingual = 0.0
[objective]
mlm = 0.1
same_page = 0
[trained]
what = "all"
[optimisation]
steps = 5
batch = 8
chunk = 4
learning_rate = 1e-3
query_length = 16
passage_length = 16
[evaluation]
every = 2
save_every = 1
"""


@dataclass(frozen=True)
class Job:
    """One verb: its words, and the jobs whose undisturbed outcome it starts from."""

    name: str
    words: tuple[str, ...]
    after: tuple[str, ...] = ()
    heavy: bool = False


RUN = ("run", "-e", "elsewhere/mine.py:Grams", "-s", "char-ngrams", "-c", "data/card.toml", "-o", "results", "-q")
JOBS = {
    job.name: job
    for job in (
        Job("fetch", ("fetch", "toy-weights", "--from", "pack-1.0-py3-none-any.whl")),
        Job("encode", ("encode", "-s", "elsewhere/mine.py:Grams", "-c", "data/card.toml", "-q")),
        Job("search", ("search", "-s", "elsewhere/mine.py:Grams", "-c", "data/card.toml", "-o", "grams.run", "-q")),
        Job("index", ("search", "-s", "bm25", "-c", "data/card.toml", "-o", "bm25.run", "-q"), heavy=True),
        Job("search bm25s", ("search", "-s", "bm25s", "-c", "data/card.toml", "-o", "bm25s.run", "-q")),
        Job("score", ("score", "grams.run", "data/qrels.txt", "--per-query"), ("search",)),
        Job("run", RUN),
        Job("run again with a measure", (*RUN, "-m", "AP"), ("run",)),
        Job("mine", ("mine", "--corpus", "parallel", "--method", "lead", "--out", "mined.parquet")),
        Job("pretrain", ("pretrain", "-p", "pairs.parquet", "-r", "recipe.toml", "-o", "model"), heavy=True),
        Job("board build", ("board", "build", "--out", "site", "--results", "results"), ("run",), heavy=True),
    )
}


def write_inputs(folder: Path) -> None:
    """Everything the jobs read, below `folder`; relative paths only, so that folders can be copied."""
    from toys.checkpoints import write_checkpoint

    write_collection(folder / "data")
    write_encoder(folder / "elsewhere")
    with zipfile.ZipFile(folder / "pack-1.0-py3-none-any.whl", "w") as wheel:
        for name in ("pack/weights.bin", "pack/tokenizer.json", "pack/ignored.py"):
            wheel.writestr(zipfile.ZipInfo(name), name.encode() * 5000)
    _write_parallel(folder / "parallel")
    _write_pairs(folder / "pairs.parquet")
    write_checkpoint(folder / "start")
    (folder / "recipe.toml").write_text(RECIPE.format(start="./start"))


def _write_parallel(folder: Path) -> None:
    (folder / "de-en").mkdir(parents=True)
    for language, word in (("de", "Katze"), ("en", "cat")):
        lines = [f"{word} number {i} sat on the mat of the {i + 1}th house by the sea" for i in range(60)]
        (folder / "de-en" / f"{language}.txt").write_text("\n".join(lines) + "\n")


def _write_pairs(path: Path) -> None:
    from lapca_bench.training.mining.chunks import MinedPair
    from lapca_bench.training.mining.pair_file import write_pairs
    from lapca_bench.training.text.linked import Block

    words = ["cat", "sat", "mat", "the", "a", "b", "c", "d", "e", "f"]
    found = []
    for page in range(60):
        text = " ".join(words[(page * step + step) % len(words)] for step in range(1, 6))
        sides = [Block(f"{page}#{code}", str(page), code, f"{code[0]} {text}") for code in ("de", "en")]
        found.append(MinedPair(*sides, 1.0))
    write_pairs(path, found)


def prepare_process(folder: Path) -> None:
    """What every process of a job is told beside its words: small shards, and a wheel of its own to fetch.

    Progress bars get a lock of this process: tqdm's own is shared by all forks of one process, and one of them
    that is killed while it holds the lock would stop all others for good. Processes of users share none.
    """
    from threading import RLock

    from tqdm import tqdm

    from lapca_bench import resources
    from lapca_bench.resources.pip_source import Wheel
    from lapca_bench.store.vectors import VectorStore

    tqdm.set_lock(RLock())
    defaults = VectorStore.__init__.__defaults__ or ()
    VectorStore.__init__.__defaults__ = (*defaults[:-1], SHARD)  # type: ignore[misc]
    wheel = folder / "pack-1.0-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    origin = Wheel("toy-weights", "pack", "1.0", digest, 1, ("pack/weights.bin", "pack/tokenizer.json"))
    known = {"toy-weights": resources.Resource("toy-weights", "Toy", "none", 1, "", origin)}
    resources.catalog = lambda: known


def artefacts(folder: Path) -> dict[str, str]:
    """A digest of everything that a job leaves below `folder`, by path, as the list above says."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or _is_no_artefact(name):
            continue
        if path.name == "result.json":
            found[name.rpartition("/")[0]] = _of_result(path.parent)
        elif not (path.name.startswith(("run-", "scores-")) and path.suffix == ".parquet"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _is_no_artefact(name: str) -> bool:
    parts = name.split("/")
    return (
        any(part in {"locks", ".locks", "numba", "indexes", "__pycache__"} for part in parts)
        or any(part.endswith(".tmp") for part in parts)
        or parts[-1] in {"calls.txt", "out.txt", "lapca-bench.log"}
    )


def _of_result(folder: Path) -> str:
    from lapca_bench.store.results import read_result

    stored = read_result(folder)
    stored.verify()
    moving = {"finished", "timings", "scored_again", "command", "environment", "encoded", "reused"}
    facts: dict[str, Any] = {
        "key": stored.key,
        "aggregates": list(stored.aggregates),
        "about": {name: value for name, value in stored.provenance.items() if name not in moving},
        "run": list(stored.run.rows()),
        "scores": stored.scores.to_dict("list"),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def wrong_state(folder: Path) -> list[str]:
    """What a reader would take for whole though it is not; leftovers under temporary names are none of it."""
    from lapca_bench.sealed import DIGESTS, check_folder
    from lapca_bench.store import cache
    from lapca_bench.store.results import ResultStore

    checks: list[Callable[[], object]] = [
        *(result.verify for result in ResultStore(folder / "results").all()),
        *((lambda found=path: check_folder(found.parent, "")) for path in folder.glob(f"model/step-*/{DIGESTS}")),
    ]
    wrong = [
        f"{found.path}: {found.message}"
        for found in cache.verify(folder / "cache")
        if "left behind" not in found.message
    ]
    for check in checks:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes into the report
            wrong.append(str(error))
    return wrong


def differences(expected: dict[str, str], found: dict[str, str]) -> Sequence[str]:
    """Paths that are missing, extra or other than expected."""
    return [
        f"{name}: {'missing' if name not in found else 'extra' if name not in expected else 'differs'}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
