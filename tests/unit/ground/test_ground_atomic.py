"""Files are whole or absent."""

import errno
import json
import os
import signal

import pytest

from lapca_bench.atomic import atomic_folder, atomic_path, remove, sweep, write_json, write_text
from lapca_bench.errors import StoreError


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_finished_write_replaces_the_old_file(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    write_text(target, "old")
    write_text(target, "new ✓")
    assert target.read_text(encoding="utf-8") == "new ✓"
    assert listing(target.parent) == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def interrupted():
        with atomic_path(target) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text(encoding="utf-8") == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    def failing():
        with atomic_folder(tmp_path / "f") as temporary:
            (temporary / "x").write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert listing(tmp_path) == []


def test_a_folder_takes_the_place_of_what_stood_there(tmp_path):
    """A half-emptied folder must not be taken for the new one."""
    target = tmp_path / "f"
    for content in ("old", "new"):
        with atomic_folder(target) as fresh:
            (fresh / content).write_text(content, encoding="utf-8")
    assert listing(target) == ["new"]
    assert listing(tmp_path) == ["f"]


def killed_while_writing(target):
    """A process that dies inside `atomic_path`; returns what it left."""
    child = os.fork()
    if child == 0:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = target.parent.glob(f".{target.name}.*.tmp")
    return left


def test_what_a_killed_process_left_is_swept(tmp_path):
    left = killed_while_writing(tmp_path / "deep" / "a.txt")
    elsewhere = killed_while_writing(tmp_path / "b.txt")
    assert sweep(tmp_path) == sorted([left, elsewhere])
    write_text(tmp_path / "deep" / "a.txt", "whole")  # the next writer of the same target clears it up
    assert listing(tmp_path / "deep") == ["a.txt"]
    with atomic_path(tmp_path / "c.txt") as mine:
        mine.write_text("in use")
        assert sweep(tmp_path) == [elsewhere]
    remove(elsewhere)
    assert listing(tmp_path) == ["c.txt", "deep"]


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot write here")])
def test_disk_errors_are_told_with_a_remedy(tmp_path, monkeypatch, code, words):
    def refuse(_descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match=words) as caught:
        write_text(tmp_path / "a.txt", "x")
    assert "LAPCA_BENCH_CACHE" in str(caught.value)
    assert listing(tmp_path) == []


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    write_json(tmp_path / "b.json", {"b": 1, "a": "é"})
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == {"a": "é", "b": 1}
    assert listing(tmp_path) == ["b.json"]
