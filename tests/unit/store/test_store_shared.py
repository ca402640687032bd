"""Two machines, each with a cache of its own, and one store: a folder, an object store in memory, an S3 server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from toys.cli import calls, in_process, write_collection, write_encoder
from toys.search import WordHashEncoder, documents, queries

from lapca_bench.errors import LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.store.shared import Shared, _opened
from lapca_bench.store.shelf import known
from lapca_bench.store.vectors import VectorStore

TEXTS = [f"text number {i}" for i in range(10)]
NUMBERS = count()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of moto's server, which keeps objects in memory and speaks S3."""
    server = shutil.which("moto_server")
    if server is None:
        pytest.skip("no moto_server on the PATH (pipx install 'moto[server]')")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with suppress(OSError):
                urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT")).close()  # noqa: S310
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(params=["file", "memory", "s3"])
def url(request, tmp_path, monkeypatch) -> str:
    if request.param == "file":
        (tmp_path / "shared").mkdir()
        return (tmp_path / "shared").as_uri()
    if request.param == "memory":
        pytest.importorskip("fsspec")
        return f"memory://lapca/{next(NUMBERS)}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "toy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "toy")
    return f"s3://bucket/lapca/{next(NUMBERS)}"


def machine(cache: Path, url: str | None) -> VectorStore:
    """The store of a machine whose process starts now."""
    known.cache_clear()
    return VectorStore(cache, shard_size=4, shared=None if url is None else Shared(url).check())


def rows(corpus) -> np.ndarray:
    return np.concatenate(corpus.matrices())


def names(url: str) -> list[str]:
    return sorted(Shared(url).names("vectors"))


def test_two_machines_encode_every_shard_once(url, tmp_path):
    one, other = WordHashEncoder(), WordHashEncoder()
    here = machine(tmp_path / "one", url).documents(one, documents(*TEXTS))
    assert len(one.encoded) == 10
    assert len(names(url)) == 2 * 3
    there = machine(tmp_path / "other", url)
    assert there.cost(other, documents(*TEXTS), "document").missing == 0
    corpus = there.documents(other, documents(*TEXTS))
    assert (corpus.tally.encoded, corpus.tally.reused, other.encoded) == (0, 10, [])
    np.testing.assert_array_equal(rows(corpus), rows(here))
    assert {path.name for path in (tmp_path / "one").rglob("*.npy")} == {
        path.name for path in (tmp_path / "other").rglob("*.npy")
    }
    offline = machine(tmp_path / "other", None).documents(other, documents(*TEXTS))  # all of it is in its cache
    np.testing.assert_array_equal(rows(offline), rows(here))
    machine(tmp_path / "one", url).queries(one, queries("a b", "c"))
    asked = machine(tmp_path / "other", url).queries(other, queries("a b", "c"))
    np.testing.assert_array_equal(asked, WordHashEncoder().encode_queries(["a b", "c"]))
    assert other.encoded == []


def test_killed_between_vectors_and_manifest(url, tmp_path, monkeypatch):
    write = Shared.write

    def killed(self, name, content):
        if name.endswith(".json") and len(names(url)) > 2:
            raise KeyboardInterrupt
        write(self, name, content)

    monkeypatch.setattr(Shared, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS))
    monkeypatch.setattr(Shared, "write", write)
    assert [name.rpartition(".")[2] for name in names(url)].count("json") == 1
    other, again = WordHashEncoder(), WordHashEncoder()
    machine(tmp_path / "other", url).documents(other, documents(*TEXTS))
    assert other.encoded == TEXTS[4:]  # the first shard is whole, the second has no manifest
    corpus = machine(tmp_path / "one", url).documents(again, documents(*TEXTS))
    assert again.encoded == []
    np.testing.assert_array_equal(rows(corpus), WordHashEncoder().encode_queries(TEXTS))
    assert len(names(url)) == 2 * 3


def test_a_cache_filled_before_gives_what_it_has(url, tmp_path):
    machine(tmp_path / "one", None).documents(WordHashEncoder(), documents(*TEXTS))
    machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS))
    other = WordHashEncoder()
    machine(tmp_path / "other", url).documents(other, documents(*TEXTS))
    assert other.encoded == []


def test_a_run_on_another_machine_encodes_nothing(tmp_path, capsys, monkeypatch):
    card, encoder = write_collection(tmp_path / "data"), write_encoder(tmp_path)
    (tmp_path / "shared").mkdir()
    counted, said = [], []
    for name in ("one", "other"):
        known.cache_clear()
        monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / name))
        shared, out = (tmp_path / "shared").as_uri(), str(tmp_path / f"results-{name}")
        words = ("run", "-e", encoder, "-c", str(card), "--shared", shared, "--out", out, "--format", "csv")
        ended = in_process(*words, capture=capsys)
        assert ended.code == 0
        counted.append(calls(tmp_path))
        said.append(ended.out)
    assert said[0] == said[1]
    assert counted[1] - counted[0] < 10 < counted[0]  # a new machine looks at the encoder first, with a few texts


@pytest.mark.parametrize("ending", ["npy", "json"])
def test_a_flipped_byte_is_refused_with_the_address_and_the_fix(url, tmp_path, ending):
    machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS))
    shared = Shared(url)
    name = next(name for name in names(url) if name.endswith(ending))
    content = bytearray(shared.read(name))
    content[len(content) // 2] ^= 1
    shared.write(name, bytes(content))
    with pytest.raises(StoreError, match="damaged") as raised:
        rows(machine(tmp_path / "other", url).documents(WordHashEncoder(), documents(*TEXTS)))
    assert shared.where(name) in raised.value.message
    assert not list((tmp_path / "other").rglob("*.tmp"))
    manifest = raised.value.remedy.split()[1].rstrip(";")  # "delete URL; the next run ..."
    assert manifest.endswith(".json")
    system, root = _opened(url)
    system.delete_file(f"{root}/{manifest[manifest.index('vectors/') :]}")
    other = WordHashEncoder()
    corpus = machine(tmp_path / "other", url).documents(other, documents(*TEXTS))
    np.testing.assert_array_equal(rows(corpus), WordHashEncoder().encode_queries(TEXTS))
    third = WordHashEncoder()
    np.testing.assert_array_equal(
        rows(machine(tmp_path / "third", url).documents(third, documents(*TEXTS))), rows(corpus)
    )
    assert third.encoded == []


def test_vectors_that_are_gone_are_named(url, tmp_path):
    machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS))
    system, root = _opened(url)
    gone = next(name for name in names(url) if name.endswith("npy"))
    system.delete_file(f"{root}/{gone}")
    with pytest.raises(StoreError, match="missing") as raised:
        rows(machine(tmp_path / "other", url).documents(WordHashEncoder(), documents(*TEXTS)))
    assert Shared(url).where(gone) in raised.value.message
    rows(machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS)))  # it has them: puts them back
    rows(machine(tmp_path / "other", url).documents(WordHashEncoder(), documents(*TEXTS)))


def test_a_damaged_local_shard_comes_again_from_the_store(url, tmp_path):
    store = machine(tmp_path / "one", url)
    corpus = store.documents(WordHashEncoder(), documents(*TEXTS))
    path = next((tmp_path / "one").rglob("*.npy"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    np.testing.assert_array_equal(rows(corpus), WordHashEncoder().encode_queries(TEXTS))


def test_machines_with_other_last_bits_agree_on_those_of_the_manifest(url, tmp_path):
    class Other(WordHashEncoder):
        def _vector(self, text):
            return np.nextafter(super()._vector(text), np.float32(1))

    machine(tmp_path / "other", None).documents(Other(), documents(*TEXTS))
    machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS))
    given = machine(tmp_path / "other", url).documents(Other(), documents(*TEXTS))
    expected = rows(given)
    assert not np.array_equal(expected, WordHashEncoder().encode_queries(TEXTS))
    known.cache_clear()
    given.shelf = machine(tmp_path / "one", url).documents(WordHashEncoder(), documents(*TEXTS)).shelf
    np.testing.assert_array_equal(rows(given), expected)


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("nope://bucket/x", UsageError, "nope"),
        ("relative/folder", UsageError, "s3://bucket/folder"),
        ("file:relative", UsageError, "file:///folder"),
        ("file://host/x", UsageError, "hostname"),
        ("s3://", UsageError, "names no folder"),
        ("file:///no/such/folder", StoreError, "mkdir"),
        ("sftp://host/folder", MissingResourceError, "paramiko"),
    ],
)
def test_odd_addresses(url, kind, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "paramiko", None)  # as if it were not installed
    if kind is not StoreError:
        pytest.importorskip("fsspec")
    with pytest.raises(kind) as raised:
        Shared(url).check()
    assert said in str(raised.value)
    assert "\n" not in raised.value.message


def test_a_store_that_cannot_be_written_is_found_before_anything_is_encoded(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "lapca-bench.txt").mkdir()  # stands where the first file goes
    encoder = WordHashEncoder()
    with pytest.raises(StoreError, match="cannot write"):
        machine(tmp_path / "one", (tmp_path / "shared").as_uri()).documents(encoder, documents(*TEXTS))
    assert encoder.encoded == []


def test_a_server_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "toy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "toy")
    encoder = WordHashEncoder()
    with pytest.raises(LapcaError, match="cannot be reached: s3://bucket/x/vectors/") as raised:
        machine(tmp_path, "s3://bucket/x").documents(encoder, documents(*TEXTS))
    assert "\n" not in raised.value.message
    assert encoder.encoded == []
