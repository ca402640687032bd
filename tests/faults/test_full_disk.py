"""A full disk in the middle of every kind of write: one clear message, nothing half-written, and on with space."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from toys.cli import command, in_own_process, write_collection, write_encoder
from toys.faults import write_result

from lapca_bench import atomic
from lapca_bench.errors import LapcaError, StoreError
from lapca_bench.run import Run
from lapca_bench.store.results import ResultStore
from lapca_bench.store.runs import read_parquet, read_trec, write_parquet, write_trec
from lapca_bench.store.shard import check_shard, read_manifest, write_shard

DISK = 1_000_000  # bytes
LEFT = 24_000  # bytes that are free when the write begins; every write below needs more


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A file system of one megabyte; skipped where this user may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=False)


def fill(place: Path) -> Path:
    """Take all space but `LEFT` bytes; returns the file that holds it."""
    state = os.statvfs(place)
    filler = place / "filler"
    filler.write_bytes(b"x" * (state.f_bavail * state.f_frsize - LEFT))
    return filler


def long_run() -> Run:
    draw = np.random.default_rng(0)
    return Run.from_dict(
        "toy", {f"q{i}": {f"d{draw.integers(1 << 60)}": float(j) for j in range(40)} for i in range(99)}
    )


def shard(place: Path) -> None:
    vectors = np.random.default_rng(0).random((400, 64), dtype=np.float32)
    about = {"encoder": "toy", "encoder_digest": "d", "side": "document", "language": "en", "dtype": "float32"}
    write_shard(place, "ab12", vectors, about, 64)
    check_shard(place, read_manifest(place / "ab" / "ab12.json"))


def trec(place: Path) -> None:
    write_trec(long_run(), place / "a.run")
    assert read_trec(place / "a.run").queries


def parquet(place: Path) -> None:
    write_parquet(long_run(), place / "a.parquet")
    assert read_parquet(place / "a.parquet").queries


def result(place: Path) -> None:
    write_result(place, run=long_run())
    for stored in ResultStore(place).all():
        stored.verify()


def pairs(place: Path) -> None:
    from lapca_bench.training.mining.chunks import MinedPair
    from lapca_bench.training.mining.pair_file import write_pairs
    from lapca_bench.training.text.linked import Block

    draw = np.random.default_rng(0)
    texts = ["".join(map(chr, draw.integers(97, 123, size=300))) for _ in range(400)]
    sides = [[Block(f"{i}#{code}", str(i), code, text + code) for code in ("de", "en")] for i, text in enumerate(texts)]
    assert write_pairs(place / "pairs.parquet", [MinedPair(*two, 1.0) for two in sides]) == 400


def head(place: Path) -> None:
    from lapca_bench.encoders.postprocessing import AffineMap, PostProcessing
    from lapca_bench.encoders.weights.head_file import read_head, write_head

    one = AffineMap(offset=np.zeros(160), projection=np.eye(160))
    write_head(place / "head.safetensors", PostProcessing("toy", {"de": one}), {})
    assert read_head(place / "head.safetensors")


def checkpoint(place: Path) -> None:
    import torch
    from toys.training import recipe, write_start

    from lapca_bench.training.checkpoint import checkpoints, resume, save_checkpoint
    from lapca_bench.training.history import TrainingProgress
    from lapca_bench.training.model.tower import TrainedTower

    start = place.parent / "start"
    if not start.is_dir():
        write_start(start)
    made = recipe(start)
    tower = TrainedTower(made.encoder, made.trained, language_model=True, seed=0)
    optimiser = torch.optim.AdamW(tower.trained_parameters().values())
    try:
        save_checkpoint(place, tower, optimiser, TrainingProgress(step=1), made, {})
    except LapcaError:
        assert checkpoints(place) == []
        raise
    assert resume(place, tower, optimiser, made).step == 1


def board(place: Path) -> None:
    from lapca_bench.report.board.build import _write

    _write(place / "site", {f"systems/{i}.html": "<p>page</p>" * 900 for i in range(20)})


def links(place: Path) -> None:
    from lapca_bench.training.text.wikipedia import WikipediaCorpus

    source = place.parent / "extracts"
    if not source.is_dir():
        for language in ("de", "en"):
            (source / language).mkdir(parents=True)
            lines = [{"id": str(i), "title": f"{language} page {i} " * 9, "text": "Some text."} for i in range(600)]
            (source / language / "wiki_00").write_text("".join(json.dumps(line) + "\n" for line in lines))
        rows = [f"de\tde page {i} \ten\ten page {i} \n" for i in range(600)]
        (source / "langlinks.tsv").write_text("".join(rows))
    list(WikipediaCorpus(source, source / "langlinks.tsv", place / "links").groups())


def index(place: Path) -> None:
    from toys.search import documents

    from lapca_bench.search.lexical.bm25 import BM25System
    from lapca_bench.search.lexical.java import find_java

    try:
        find_java()
    except LapcaError as error:
        pytest.skip(f"needs Java: {error.message}")
    texts = documents(*(f"word{i} other{i * 7} third{i * 13} and more" for i in range(900)))
    list(BM25System(place)._built(texts))


WRITES: tuple[Callable[[Path], None], ...] = (
    shard,
    trec,
    parquet,
    result,
    pairs,
    head,
    checkpoint,
    board,
    links,
    index,
)


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_what_does_not_fit_is_told_and_can_be_written_with_space(disk, write):
    filler = fill(disk)
    with pytest.raises(StoreError) as caught:
        write(disk)
    told = str(caught.value)
    assert "disk is full" in told
    assert str(disk) in told
    assert "free space" in told
    left = [path for path in disk.rglob("*") if path.is_file() and path != filler]
    assert [path for path in left if path.suffix != ".lock"] == []
    filler.unlink()
    write(disk)
    assert atomic.sweep(disk) == []


def test_the_command_line_on_a_full_disk(disk, tmp_path):
    """Cache, results and log on one full disk: a message and no traceback, and with space the same command is done."""
    write_collection(tmp_path / "data")
    encoder = write_encoder(tmp_path / "mine")
    words = (
        "run",
        "-e",
        encoder,
        "-s",
        "char-ngrams",
        "-c",
        str(tmp_path / "data" / "card.toml"),
        "-o",
        str(disk / "out"),
    )
    filler = disk / "filler"
    filler.write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 8192))
    ended = in_own_process(*words, cache=disk / "cache", folder=tmp_path)
    assert ended.code == 1
    assert "the disk is full" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    assert "Logging error" not in ended.err
    filler.unlink()
    ended = in_own_process(*words, cache=disk / "cache", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert len(list(ResultStore(disk / "out").all())) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_told(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("systems", "list"), stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output: No space left on device\n  fix: ")
    assert "Traceback" not in done.stderr
