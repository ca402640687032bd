import json

import pytest
from toys.search import WordHashEncoder, documents
from typer.testing import CliRunner

from lapca_bench.cli.cache import app
from lapca_bench.digest import digest_file
from lapca_bench.errors import UsageError
from lapca_bench.store.cache import prune, rooms, verify
from lapca_bench.store.vectors import VectorStore

TEXTS = [f"text {i}" for i in range(5)]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of three shards and one index."""
    VectorStore(tmp_path / "vectors", shard_size=2).documents(WordHashEncoder(), documents(*TEXTS))
    index = tmp_path / "indexes" / "ab12"
    index.mkdir(parents=True)
    (index / "_0.cfs").write_bytes(b"postings")
    (index / "index.json").write_text(json.dumps({"files": {"_0.cfs": digest_file(index / "_0.cfs")}}))
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    return tmp_path


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_an_undamaged_cache_has_no_findings(cache):
    assert list(verify(cache)) == []
    assert list(verify(cache / "nowhere")) == []


def test_rooms_count_files_and_bytes(cache):
    found = {room.name: room for room in rooms(cache)}
    on_disk = sum(path.stat().st_size for path in (cache / "indexes").rglob("*") if path.is_file())
    assert (found["indexes"].files, found["indexes"].size) == (2, on_disk)
    assert (found["resources"].files, found["resources"].size) == (0, 0)


def test_a_flipped_byte_is_found_and_repaired_and_encoded_again(cache):
    shard = sorted(cache.glob("vectors/*/??/*.npy"))[1]
    damage(shard)
    (finding,) = verify(cache)
    assert (finding.path, finding.repaired) == (shard, False)
    assert shard.exists()
    (finding,) = verify(cache, repair=True)
    assert finding.repaired
    assert not shard.exists()
    assert not shard.with_suffix(".json").exists()
    assert list(verify(cache)) == []
    corpus = VectorStore(cache / "vectors", shard_size=2).documents(WordHashEncoder(), documents(*TEXTS))
    assert 0 < corpus.tally.encoded <= 2
    assert len(corpus.matrices()) == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_damaged_manifest_is_found(cache, content):
    manifest = next(cache.glob("vectors/*/??/*.json"))
    manifest.write_bytes(content)
    (finding,) = verify(cache, repair=True)
    assert finding.path == manifest
    assert not manifest.with_suffix(".npy").exists()


def test_missing_vectors_are_found(cache):
    shard = next(cache.glob("vectors/*/??/*.npy"))
    shard.unlink()
    (finding,) = verify(cache)
    assert "cannot be read" in finding.message


@pytest.mark.parametrize("name", ["_0.cfs", "index.json"])
def test_a_damaged_index_is_found_and_removed(cache, name):
    damage(cache / "indexes" / "ab12" / name)
    (finding,) = verify(cache, repair=True)
    assert finding.path == cache / "indexes" / "ab12"
    assert not finding.path.exists()


def test_pruning_empties_one_room(cache):
    removed = prune(cache, "vectors")
    assert removed.files >= 6
    assert not (cache / "vectors").exists()
    assert (cache / "indexes" / "ab12" / "index.json").exists()
    assert prune(cache, "vectors").files == 0


@pytest.mark.parametrize("name", ["..", "", "vektors", "/"])
def test_only_rooms_are_pruned(cache, name):
    with pytest.raises(UsageError, match="unknown room"):
        prune(cache, name)
    assert (cache / "vectors").exists()


def test_pruning_does_not_follow_a_link(cache, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "mine").write_text("keep")
    (cache / "numba").symlink_to(elsewhere)
    prune(cache, "numba")
    assert (elsewhere / "mine").exists()
    assert not (cache / "numba").exists()


def test_the_verbs(cache):
    run = CliRunner().invoke
    assert "vectors" in run(app, ["ls"]).output
    assert {room["name"] for room in json.loads(run(app, ["ls", "--json"]).stdout)} >= {"vectors", "indexes"}
    assert run(app, ["verify"]).exit_code == 0
    damage(next(cache.glob("vectors/*/??/*.npy")))
    assert run(app, ["verify"]).exit_code == 1
    assert run(app, ["verify", "--repair"]).exit_code == 0
    assert "match" in run(app, ["verify"]).stdout
    assert run(app, ["prune", "vectors"], input="n\n").exit_code == 1
    assert (cache / "vectors").exists()
    assert run(app, ["prune", "vectors", "--yes"]).exit_code == 0
    assert not (cache / "vectors").exists()


def test_everything_is_pruned_at_once(cache):
    run = CliRunner().invoke
    (cache / "mine").mkdir()
    (cache / "mine" / "kept").write_text("not a room")
    assert run(app, ["prune", "--all"], input="n\n").exit_code == 1
    assert (cache / "vectors").exists()
    done = run(app, ["prune", "--all", "--yes"])
    assert done.exit_code == 0
    assert "removed" in done.stdout
    assert sum(room.files for room in rooms(cache)) == 0
    assert (cache / "mine" / "kept").exists()


@pytest.mark.parametrize("words", [["prune"], ["prune", "vectors", "--all"]])
def test_pruning_asks_for_one_room_or_all(cache, words):
    with pytest.raises(UsageError, match="one room or --all"):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert (cache / "vectors").exists()
