import numpy as np
import pytest

from lapca_bench.errors import StoreError
from lapca_bench.lock import exclusive
from lapca_bench.store.shard import check_shard, manifest_file, open_shard, read_manifest, vector_file, write_shard

ABOUT = {"encoder": "toy", "encoder_digest": "00", "side": "document", "language": "en", "dtype": "float32"}
ADDRESS = "ab" * 32


def test_what_is_written_is_read_back_memory_mapped(tmp_path):
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    manifest = write_shard(tmp_path, ADDRESS, vectors, ABOUT, 3)
    assert read_manifest(manifest_file(tmp_path, ADDRESS)) == manifest
    assert (manifest.rows, manifest.dimension, manifest.dtype) == (2, 3, "float32")
    opened = open_shard(tmp_path, manifest)
    assert isinstance(opened, np.memmap)
    np.testing.assert_array_equal(opened, vectors)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"address": 1}'])
def test_a_damaged_manifest_is_named(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="manifest of a vector shard cannot be read") as raised:
        read_manifest(path)
    assert raised.value.path == path


def test_missing_vectors_are_named(tmp_path):
    manifest = write_shard(tmp_path, ADDRESS, np.zeros((1, 2), np.float32), ABOUT, 2)
    vector_file(tmp_path, ADDRESS).unlink()
    for check in (check_shard, open_shard):
        with pytest.raises(StoreError, match="cannot be read"):
            check(tmp_path, manifest)


def test_damage_after_the_first_opening_is_found(tmp_path):
    manifest = write_shard(tmp_path, ADDRESS, np.zeros((1, 2), np.float32), ABOUT, 2)
    open_shard(tmp_path, manifest)
    path = vector_file(tmp_path, ADDRESS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="does not match its digest"):
        open_shard(tmp_path, manifest)


def test_a_lock_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write here"), exclusive(tmp_path / "file", ADDRESS):
        pass
