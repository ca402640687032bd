"""package-descriptions on small indices of our own."""

import pytest

from lapca_bench import resources
from lapca_bench.collections import load, registry
from lapca_bench.collections.package_descriptions import SMALL_POOL, read_index
from lapca_bench.errors import InputError, UsageError

LONG = "this package holds a library that programs use in order to read and write files of all kinds on every machine"


def record(package, md5, language, synopsis, body):
    return f"Package: {package}\nDescription-md5: {md5}\nDescription-{language}: {synopsis}\n {body}\n .\n More.\n\n"


ENGLISH = "".join(
    [
        record("libz", "1", "en", "Library for zip", f"First, {LONG}"),
        record("alib", "1", "en", "Library for zip", f"First, {LONG}"),
        record("tool", "2", "en", "A tool", f"Second, {LONG}"),
        record("twin1", "3", "en", "Twin", f"Third, {LONG}"),
        record("twin2", "4", "en", "Twin", f"Fourth, {LONG}"),
        record("short", "5", "en", "Short one", "Too short."),
        record("other", "6", "en", "Another tool", f"Fifth, {LONG}"),
    ]
)
GERMAN = "".join(
    [
        record("libz", "1", "de", "Bibliothek für Zip", "Text"),
        record("tool", "2", "de", "a TOOL", "Text"),
        record("other", "6", "de", "Bibliothek für Zip", "Text"),
        record("gone", "9", "de", "Nicht mehr da", "Text"),
    ]
)


@pytest.fixture
def indices(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "package-descriptions"
    folder.mkdir(parents=True)
    (folder / "deb_dists_stable_main_i18n_Translation-en").write_text(ENGLISH, encoding="utf-8")
    (folder / "deb_dists_stable_main_i18n_Translation-de").write_text(GERMAN, encoding="utf-8")
    security = record("kernel", "7", "en", "A kernel", f"Sixth, {LONG}")
    (folder / "deb_dists_stable-security_main_i18n_Translation-en").write_text(security, encoding="utf-8")
    return folder


def test_documents_and_queries(indices):
    collection = load("package-descriptions/de-en")
    assert [(d.id, d.text) for d in collection.documents()] == [
        ("alib", f"First, {LONG} More."),
        ("other", f"Fifth, {LONG} More."),
        ("tool", f"Second, {LONG} More."),
    ]
    assert [(q.id, q.text, q.language) for q in collection.queries()] == [("de:alib", "Bibliothek für Zip", "de")]
    assert collection.relevance().judgements == {"de:alib": {"alib": 1, "other": 1}}


def test_a_blank_looking_line_does_not_end_a_record(tmp_path):
    path = tmp_path / "Translation-fr"
    path.write_text("Package: p\nDescription-md5: 1\nDescription-fr: S\n one\n \u00a0 \n two\n", encoding="utf-8")
    (found,) = read_index(path)
    assert (found.synopsis, found.body) == ("S", "one two")


def test_only_what_is_here_is_present(indices):
    assert registry.status("package-descriptions/de-en-10k").present
    assert "Translation-pt_BR" in registry.status("package-descriptions/pt_BR-en").remedy


def test_apts_quoting_of_names_is_understood(indices):
    quoted = indices / "deb_dists_stable_main_i18n_Translation-pt%5fBR"
    quoted.write_text(GERMAN.replace("-de:", "-pt_BR:"), encoding="utf-8")
    collection = load("package-descriptions/pt_BR-en")
    assert [(q.id, q.language) for q in collection.queries()] == [("pt_BR:alib", "pt")]


def test_the_small_pool_is_drawn_by_name(indices, monkeypatch):
    monkeypatch.setattr("lapca_bench.collections.package_descriptions.SMALL_POOL", 2)
    drawn = [d.id for d in load("package-descriptions/de-en-10k").documents()]
    assert len(drawn) == 2
    assert drawn == sorted(drawn)
    assert SMALL_POOL == 10_000
    assert set(load("package-descriptions/de-en-10k").relevance().judgements) <= {"de:alib", "de:other"}


def test_fingerprints_follow_the_indices(indices):
    before = load("package-descriptions/de-en").fingerprint
    assert load("package-descriptions/de-en-10k").fingerprint != before
    place = indices / "deb_dists_stable_main_i18n_Translation-de"
    place.write_text(GERMAN.replace("Zip", "ZIP"), encoding="utf-8")
    assert load("package-descriptions/de-en").fingerprint != before
    assert load("package-descriptions/de-en").queries()[0].text == "Bibliothek für ZIP"


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"Package: a\nDescription-md5: \xff\n", 2), (b" text without a field\n", 1), (b"Package: a\nnonsense\n", 2)],
)
def test_malformed_indices_are_named_by_line(tmp_path, content, line):
    (tmp_path / "Translation-de").write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_index(tmp_path / "Translation-de"))
    assert caught.value.line == line


def test_the_remedy_without_data_is_the_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    assert registry.status("package-descriptions/de-en").remedy == "lapca-bench fetch package-descriptions"
    assert not resources.status("package-descriptions").present


def test_there_is_one_split(indices):
    with pytest.raises(UsageError, match="has no split 'train'"):
        load("package-descriptions/de-en", "train")
