"""Files are known to be compressed by their first bytes, whatever they are called."""

import gzip

import pytest

from lapca_bench.errors import InputError
from lapca_bench.inputs import compression
from lapca_bench.inputs.compression import ENDINGS, compressed, content_of, opened

TEXT = "".join(f"q{i} Q0 d{i * 7919 % 10007} 1 2.5 tag\n" for i in range(3000)).encode()


@pytest.fixture(params=ENDINGS)
def packed(request, tmp_path):
    return compressed(TEXT, tmp_path / f"a{request.param}")


@pytest.mark.parametrize("name", ["a.run", "a.run.gz", "a.run.zst", "noending"])
def test_the_name_does_not_matter(tmp_path, packed, name):
    path = tmp_path / name
    path.write_bytes(packed)
    assert content_of(path) == TEXT
    with opened(path) as stream:
        assert sum(1 for _ in stream) == 3000


def test_joined_files_are_read_to_the_end(tmp_path, packed):
    path = tmp_path / "two"
    path.write_bytes(packed + packed)
    assert content_of(path) == TEXT + TEXT


@pytest.mark.parametrize("lost", [1, 5, 0.5])
def test_a_file_that_was_cut_short(tmp_path, packed, lost):
    path = tmp_path / "a.run"
    path.write_bytes(packed[: -lost if isinstance(lost, int) else int(len(packed) * lost)])
    with pytest.raises(InputError, match=r"compressed by \w+, ends in the middle") as raised:
        content_of(path)
    assert raised.value.path == path


def test_damage_and_emptiness(tmp_path):
    whole = gzip.compress(TEXT)
    (tmp_path / "a.gz").write_bytes(whole[:300] + b"\0\0\0\0" + whole[304:])
    (tmp_path / "b.xz").write_bytes(b"")
    with pytest.raises(InputError, match="compressed by gzip, is damaged"):
        content_of(tmp_path / "a.gz")
    with pytest.raises(InputError, match="empty, which no compressed file is"):
        content_of(tmp_path / "b.xz")


@pytest.mark.parametrize(
    ("head", "name"), [(b"PK\x03\x04", "zip"), (b"\x04\x22\x4d\x18", "lz4"), (b"\x1f\x9d", "compress")]
)
def test_what_is_not_read_is_called_by_its_name(tmp_path, head, name):
    (tmp_path / "a.run").write_bytes(head + b"\0" * 40)
    with pytest.raises(InputError, match=f"compressed by {name}") as raised:
        content_of(tmp_path / "a.run")
    assert "unpack it first" in raised.value.remedy


def test_text_that_begins_like_bzip2_is_text(tmp_path):
    (tmp_path / "a.run").write_bytes(b"BZh1 Q0 d 1 2 t\n")
    assert content_of(tmp_path / "a.run") == b"BZh1 Q0 d 1 2 t\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_unpacks_to_too_much(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(compression, "FLOOR", 1 << 20)
    path = tmp_path / f"a{ending}"
    path.write_bytes(compressed(b"0" * (20 << 20), path))
    with pytest.raises(InputError, match="more than 200 times its own size"):
        content_of(path)
