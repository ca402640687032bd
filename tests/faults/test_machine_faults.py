"""What a machine does to a long job: full disk, read-only or vanishing cache, two jobs at once, odd clocks."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toys.faults import write_result
from toys.search import WordHashEncoder, documents

from lapca_bench import atomic
from lapca_bench.encoders.weights.batching import encode_batches
from lapca_bench.errors import EncoderError, StoreError
from lapca_bench.store import cache
from lapca_bench.store.results import ResultStore
from lapca_bench.store.vectors import VectorStore

CORPUS = documents(*(f"text number {i}" for i in range(40)))


def store(folder: Path) -> VectorStore:
    return VectorStore(folder / "vectors", shard_size=8)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 48 kB; skipped where this user may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=False)


def test_a_full_disk_loses_nothing_and_the_job_goes_on_with_space(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 135_000)
    with pytest.raises(StoreError, match="disk is full") as caught:
        store(small_disk).documents(WordHashEncoder(), CORPUS)
    assert "free space" in str(caught.value)
    assert list(cache.verify(small_disk)) == []  # what was written is whole, and nothing temporary is left
    filler.unlink()
    corpus = store(small_disk).documents(WordHashEncoder(), CORPUS)
    assert 0 < corpus.tally.reused < 40
    assert np.concatenate(corpus.matrices()).shape == (40, 16)


def test_a_write_that_is_cut_short_is_no_file(tmp_path, monkeypatch):
    """The system may take half of a write (EFBIG, EIO): the target stays what it was."""
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")

    def half(self, content):
        with self.open("wb") as out:
            out.write(content[: len(content) // 2])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StoreError, match="cannot write"):
        atomic.write_text(target, "new content")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]  # noqa: PTH208


@pytest.fixture
def read_only(tmp_path):
    """A cache mounted read-only (permissions do not stop root); skipped where that is not permitted."""
    filled = tmp_path / "filled"
    store(filled).documents(WordHashEncoder(), CORPUS[:16])
    place = tmp_path / "mounted"
    place.mkdir()
    for words in (["--bind", str(filled), str(place)], ["-o", "remount,ro,bind", str(place)]):
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            subprocess.run(["umount", str(place)], capture_output=True, check=False)
            pytest.skip(f"cannot mount read-only here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=False)


def test_a_read_only_cache_is_read_and_says_so_when_it_should_be_written(read_only):
    corpus = store(read_only).documents(WordHashEncoder(), CORPUS[:16])
    assert (corpus.tally.encoded, corpus.tally.reused) == (0, 16)
    with pytest.raises(StoreError, match="cannot write here") as caught:
        store(read_only).documents(WordHashEncoder(), CORPUS)
    assert "LAPCA_BENCH_CACHE" in str(caught.value)


class Sabotaging(WordHashEncoder):
    """Deletes the cache when it is asked for the third shard."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self.calls = 0

    def encode_documents(self, documents, *, language=None):
        self.calls += 1
        if self.calls == 3:
            shutil.rmtree(self._root)
        return super().encode_documents(documents, language=language)


def test_a_cache_deleted_under_a_job_is_named_and_made_again(tmp_path):
    corpus = store(tmp_path).documents(Sabotaging(tmp_path / "vectors"), CORPUS)
    with pytest.raises(StoreError, match="cannot be read"):
        list(corpus.matrices())
    again = store(tmp_path).documents(WordHashEncoder(), CORPUS)
    assert (again.tally.encoded, again.tally.reused) == (16, 24)
    assert len(np.concatenate(again.matrices())) == 40


def processes(count: int, work: Callable[[Path], None], folder: Path) -> list[int]:
    """Run `work` on `folder` in so many processes at once; their exit codes.

    New processes, not forks: a fork could inherit a lock that a thread of this one holds.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count)
    started = [context.Process(target=together, args=(barrier, work, folder)) for _ in range(count)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    return [process.exitcode for process in started]


def together(barrier, work: Callable[[Path], None], folder: Path) -> None:
    barrier.wait(60)
    work(folder)


class Counting(WordHashEncoder):
    """Slow enough for two processes to meet; every shard it encodes is a line in a file."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def encode_documents(self, documents, *, language=None):
        time.sleep(0.02)
        with self._log.open("a") as log:
            log.write(f"{documents[0].id}\n")
        return super().encode_documents(documents, language=language)


def encode_all(folder: Path) -> None:
    corpus = store(folder).documents(Counting(folder / "log.txt"), CORPUS)
    assert len(np.concatenate(corpus.matrices())) == 40


def write_three_results(folder: Path) -> None:
    for value in (0.25, 0.5, 0.75):
        write_result(folder, value * random.random())


def test_jobs_on_one_cache_share_the_work(tmp_path):
    """Every process gets all vectors, and no shard was encoded twice."""
    assert processes(3, encode_all, tmp_path) == [0, 0, 0]
    assert sorted((tmp_path / "log.txt").read_text().split()) == sorted(f"d{i}" for i in range(0, 40, 8))
    assert list(cache.verify(tmp_path)) == []


def test_jobs_that_write_one_result_leave_a_whole_one(tmp_path):
    assert processes(3, write_three_results, tmp_path) == [0, 0, 0]
    (stored,) = ResultStore(tmp_path).all()
    stored.verify()
    assert len(list(stored.folder.glob("*.parquet"))) == 2
    assert atomic.sweep(tmp_path) == []


def test_the_clock_takes_no_part(tmp_path, monkeypatch):
    """Files from the future, a clock that jumps back: what is whole is used, what is damaged is found."""
    made = store(tmp_path).documents(WordHashEncoder(), CORPUS)
    future = time.time() + 10 * 365 * 86400
    for path in tmp_path.rglob("*"):
        os.utime(path, (future, future))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    again = store(tmp_path).documents(WordHashEncoder(), CORPUS)
    assert again.tally.encoded == 0
    np.testing.assert_array_equal(np.concatenate(again.matrices()), np.concatenate(made.matrices()))
    assert atomic.sweep(tmp_path) == []


def test_a_batch_that_does_not_fit_is_halved_down_to_one_text():
    sizes = []

    def forward(rows):
        if len(rows) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        sizes.append(len(rows))
        return np.tile(rows[:, None], (1, 2)).astype(np.float32)

    vectors = encode_batches([1] * 20, forward, name="toy", dimension=2)
    np.testing.assert_array_equal(vectors[:, 0], np.arange(20))
    assert max(sizes) <= 3

    def never(rows):
        raise MemoryError

    with pytest.raises(EncoderError, match="out of memory on a single text"):
        encode_batches([1] * 4, never, name="toy", dimension=2)


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path):
    from lapca_bench.lock import exclusive

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with exclusive(tmp_path, "ab"):
            os.write(writer, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    taken = threading.Event()

    def take() -> None:
        with exclusive(tmp_path, "ab"):
            taken.set()

    waiter = threading.Thread(target=take)
    waiter.start()
    assert not taken.wait(0.2)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert taken.wait(10)
    waiter.join()
