"""A collection is known by every byte of its files, and a large one is read once."""

import os
import time
from pathlib import Path

import pytest

from lapca_bench.collections import file_digests
from lapca_bench.collections.file_digests import file_fingerprint
from lapca_bench.collections.registry import load
from lapca_bench.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "_LARGE", 1000)
    monkeypatch.setattr(file_digests, "_SETTLED", -1.0)  # what changed just now is remembered too
    file_digests._of_small.cache_clear()


def reads(monkeypatch) -> list[Path]:
    seen: list[Path] = []
    read = file_digests._read
    monkeypatch.setattr(file_digests, "_read", lambda path, state: (seen.append(path), read(path, state))[1])
    return seen


@pytest.mark.parametrize("size", [999, 5000])
def test_a_byte_changed_anywhere_is_seen_though_length_and_time_of_change_are_put_back(size, tmp_path):
    path = tmp_path / "corpus"
    path.write_bytes(b"a" * size)
    before, times = file_fingerprint(path), path.stat()
    for place in (0, size // 2, size - 1):
        content = bytearray(b"a" * size)
        content[place] = ord("b")
        time.sleep(0.02)  # a tick of the file system's clock
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert file_fingerprint(path) != before


def test_another_file_moved_into_its_place_with_its_times_is_seen(tmp_path):
    path, other = tmp_path / "corpus", tmp_path / "other"
    path.write_bytes(b"a" * 5000)
    other.write_bytes(b"b" * 5000)
    times = path.stat()
    before = file_fingerprint(path)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert file_fingerprint(path) != before


def test_a_link_that_points_elsewhere_is_seen(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode() * 5000)
    link = tmp_path / "corpus"
    link.symlink_to(tmp_path / "a")
    before = file_fingerprint(link)
    link.unlink()
    link.symlink_to(tmp_path / "b")
    assert file_fingerprint(link) != before


def test_a_large_file_is_read_once_and_again_where_what_is_remembered_is_damaged(tmp_path, monkeypatch):
    path = tmp_path / "corpus"
    path.write_bytes(b"a" * 5000)
    seen = reads(monkeypatch)
    before = file_fingerprint(path)
    assert file_fingerprint(path) == before
    assert len(seen) == 1
    (memory,) = (tmp_path / "cache" / "digests").iterdir()
    memory.write_text(memory.read_text().replace(before[:8], "00000000"))
    assert file_fingerprint(path) == before
    assert len(seen) == 2


def test_what_changed_just_now_is_not_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(file_digests, "_SETTLED", 2.0)
    path = tmp_path / "corpus"
    path.write_bytes(b"a" * 5000)
    seen = reads(monkeypatch)
    assert file_fingerprint(path) == file_fingerprint(path)
    assert len(seen) == 2


def test_a_cache_that_cannot_be_written_costs_a_reading_and_no_more(tmp_path, monkeypatch):
    path = tmp_path / "corpus"
    path.write_bytes(b"a" * 5000)
    (tmp_path / "cache").write_text("a file where a folder belongs")
    assert file_fingerprint(path) == file_fingerprint(path)


def test_a_corpus_that_changes_between_loading_and_reading_is_refused(tmp_path):
    from toys.cli import write_collection

    collection = load(str(write_collection(tmp_path)))
    assert len(list(collection.documents())) == 40
    time.sleep(0.02)
    (tmp_path / "corpus.jsonl").write_text((tmp_path / "corpus.jsonl").read_text().replace("river", "stone"))
    with pytest.raises(InputError, match="changed while it was used"):
        list(collection.documents())
