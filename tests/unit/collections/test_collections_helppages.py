"""help-pages on a small help of our own: parsing, rules for documents and queries, splits, alignment, bad input."""

from html.parser import HTMLParser

import pytest
from toys.archives import deb

from lapca_bench import resources
from lapca_bench.collections import load, registry
from lapca_bench.collections.help_pages import store
from lapca_bench.collections.help_pages.bitext import aligned_paragraphs, paragraphs
from lapca_bench.collections.help_pages.collection import held_out
from lapca_bench.collections.help_pages.parse import parse_page, plain_text
from lapca_bench.errors import InputError, MissingResourceError, StoreError, UsageError

WORDS = "click the button and choose the entry that you want to have in this document before you close it"


def page(title, *paragraphs_):
    """HTML in the shape of the help's pages; paragraphs are (id, text)."""
    body = "\n".join(f'<p id="{i}" class="paragraph" dir="auto">{text}</p>' for i, text in paragraphs_)
    return (
        f'<html><head><title>{title}</title></head><body><header><p dir="auto">LibreOffice 7.4 Help</p></header>'
        f'<div id="DisplayArea" itemprop="softwareHelp">\n<h1 id="hd" dir="auto"><a name="x"></a>{title}</h1>{body}'
        '</div>\n<div id="SearchFrame"></div><footer><p id="bm_module">This page is</p></footer></body></html>'
    )


ENGLISH = {
    "a/copy": page("Copying text", ("p1", f"To copy, {WORDS}."), ("p2", f"Then {WORDS} again."), ("p3", "OK")),
    "a/print": page("Printing", ("p1", f"To print, {WORDS}."), ("p2", f"The printer can {WORDS}.")),
    "b/save": page("Saving", ("p1", f"To save, {WORDS}."), ("p2", f"The disk may {WORDS}.")),
    "b/store": page("Storing", ("p1", f"To store, {WORDS}."), ("p2", f"The store may {WORDS}.")),
    "b/twin1": page("Twin", ("p1", f"One twin {WORDS}."), ("p2", f"The first {WORDS}.")),
    "b/twin2": page("Twin", ("p1", f"Other twin {WORDS}."), ("p2", f"The second {WORDS}.")),
    "b/short": page("Short", ("p1", "A few words only.")),
}
GERMAN = {
    **ENGLISH,
    "a/copy": page(
        "Text kopieren", ("p1", f"Zum Kopieren {WORDS}."), ("p2", f"Dann {WORDS} &amp; Ende."), ("p3", "OK")
    ),
    "a/print": page("PRINTING", ("p1", f"Zum Drucken {WORDS}."), ("p2", f"The printer can {WORDS}.")),
    "b/save": page("Speichern", ("p1", f"Zum Speichern {WORDS}."), ("p2", f"Die Platte {WORDS}.")),
    "b/store": page("Speichern", ("p1", f"Zum Ablegen {WORDS}."), ("p2", f"Die Ablage {WORDS}.")),
}


@pytest.fixture
def help_folder(tmp_path, monkeypatch):
    """The user's own folder: English as a package, German as unpacked pages."""
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "help-pages"
    folder.mkdir(parents=True)
    files = {f"./usr/share/libreoffice/help/en-US/text/{path}.html": text.encode() for path, text in ENGLISH.items()}
    (folder / "libreoffice-help-en-us_7_all.deb").write_bytes(deb(files, version="7"))
    for path, text in GERMAN.items():
        place = folder / "de" / "text" / f"{path}.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


def variant(name, text):
    return f'<span hidden="true" id="{name}x">{text}</span>'


def switch(*variants):
    return f'<span id="s" class="switchinline">{"".join(variants)}</span>'


KEYS = switch(variant("MAC", '<span class="keycode">Command</span>'), variant("default", "<span>Ctrl</span>"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <b>bold</b>\n  word", "a bold word"),
        ("&lt;switch&gt; &amp;&nbsp;more &#8594;", "<switch> & more →"),
        ('see <img src="x" alt="Icon Help"> here', "see here"),
        (f"{switch(variant('MAC', 'Command'), variant('default', 'Ctrl'))}+C", "Ctrl+C"),
        (f"press {KEYS}+F", "press Ctrl+F"),
        (f"in {switch(variant('CALC', 'Calc &amp; co'), variant('WRITER', 'Writer'))} only", "in Calc & co only"),
        (f"{switch(variant('CALC', f'{KEYS}+A'), variant('default', f'{KEYS}+B'))} now", "Ctrl+B now"),
    ],
)
def test_text_of_an_element(markup, text):
    assert plain_text(markup) == text


def test_a_page_is_cut_to_its_content():
    found = parse_page("a/copy", ENGLISH["a/copy"])
    assert found.title == "Copying text"
    assert [unit.id for unit in found.units] == ["hd", "p1", "p2", "p3"]
    assert parse_page("x", "<html><title>No content</title></html>") is None


def test_paragraphs_that_only_point_elsewhere_are_marked():
    link = '<a name="n"></a><a target="_top" href="en-US/x.html">Format</a>'
    source = page("T", ("p1", link), ("p2", f"{link} and more"))
    source = source.replace("</h1>", '</h1><p id="r" class="related" dir="auto">Related Topics</p>')
    assert [(u.id, u.tag) for u in parse_page("x", source).units] == [
        ("hd", "h1"), ("r", "link"), ("p1", "link"), ("p2", "p"),
    ]  # fmt: skip


def test_an_id_that_comes_twice_keeps_its_first_text():
    assert [u.text for u in parse_page("x", page("T", ("p1", "one"), ("p1", "two"))).units] == ["T", "one"]


def test_english_documents(help_folder):
    documents = list(load("help-pages/de-en").documents())
    assert [d.id for d in documents] == ["en/a/copy", "en/a/print", "en/b/save", "en/b/store"]
    assert documents[0].text == f"To copy, {WORDS}. Then {WORDS} again. OK"
    assert {d.language for d in documents} == {"en"}
    assert {d.title for d in documents} == {""}


def test_titles_that_equal_the_english_are_no_query_and_shared_ones_have_several_pages(help_folder):
    collection = load("help-pages/de-en")
    assert [(q.id, q.text) for q in collection.queries()] == [
        ("de:a/copy", "Text kopieren"),
        ("de:b/save", "Speichern"),
    ]
    assert collection.relevance().judgements == {
        "de:a/copy": {"en/a/copy": 1},
        "de:b/save": {"en/b/save": 1, "en/b/store": 1},
    }


def test_translated_documents_hold_no_english_paragraph(help_folder):
    documents = {d.id: d.text for d in load("help-pages/de-de").documents()}
    assert documents["de/a/copy"] == f"Zum Kopieren {WORDS}. Dann {WORDS} & Ende."
    assert "de/a/print" not in documents  # its one translated paragraph is too short


def test_the_mixed_pool_takes_the_page_in_every_language(help_folder, monkeypatch):
    monkeypatch.setattr("lapca_bench.collections.help_pages.collection.LANGUAGES", ("de", "en"))
    collection = load("help-pages/mixed")
    assert [d.language for d in collection.documents()] == ["de"] * 3 + ["en"] * 4
    relevant = collection.relevance().judgements
    assert relevant["en:a/copy"] == relevant["de:a/copy"] == {"de/a/copy": 1, "en/a/copy": 1}
    assert relevant["en:a/print"] == {"en/a/print": 1}


def test_train_and_heldout_part_the_queries(help_folder):
    parts = {split: {q.id for q in load("help-pages/en-en", split).queries()} for split in ("test", "train", "heldout")}
    assert parts["train"] | parts["heldout"] == parts["test"]
    assert not parts["train"] & parts["heldout"]
    assert all(held_out(query.removeprefix("en:")) for query in parts["heldout"])
    assert len({load("help-pages/en-en", split).fingerprint for split in parts}) == 3


def test_one_page_in_five_is_held_out():
    assert 0.18 < sum(held_out(f"folder/page{i}") for i in range(5000)) / 5000 < 0.22


def test_paragraphs_are_aligned_by_page_and_id(help_folder):
    pairs = list(aligned_paragraphs("de", "en"))
    assert [(p.page, p.id) for p in pairs] == [
        ("a/copy", "hd"), ("a/copy", "p1"), ("a/copy", "p2"), ("a/print", "hd"), ("a/print", "p1"),
        ("b/save", "hd"), ("b/save", "p1"), ("b/save", "p2"), ("b/store", "hd"), ("b/store", "p1"), ("b/store", "p2"),
    ]  # fmt: skip
    assert (pairs[1].first, pairs[1].second) == (f"Zum Kopieren {WORDS}.", f"To copy, {WORDS}.")
    assert ("a/copy", "p3") not in paragraphs("de")


def test_train_pairs_share_no_text_with_held_out_pages(help_folder, monkeypatch):
    for module in ("collection", "bitext"):
        monkeypatch.setattr(f"lapca_bench.collections.help_pages.{module}.held_out", lambda path: path == "b/save")
    train, hidden = list(aligned_paragraphs("de", "en", "train")), list(aligned_paragraphs("de", "en", "heldout"))
    assert {p.page for p in hidden} == {"b/save", "b/store"}  # b/store's heading "Speichern" stands on b/save too
    texts = {text for p in hidden for text in (p.first, p.second)}
    assert not texts & {text for p in train for text in (p.first, p.second)}
    assert len(train) + len(hidden) == len(list(aligned_paragraphs("de", "en")))


def test_the_bitext_collection(help_folder):
    collection = load("help-pages-bitext/de-en")
    documents = {d.id: d.text for d in collection.documents()}
    assert documents["en/a/copy#p1"] == f"To copy, {WORDS}."
    assert "en/a/copy#p3" not in documents  # "OK" is too short
    assert collection.relevance().judgements["de:a/copy#p1"] == {"en/a/copy#p1": 1}
    assert len(collection.queries()) == 7


def test_fingerprints_follow_the_packages(help_folder):
    before = load("help-pages/de-en").fingerprint
    assert load("help-pages/de-en").fingerprint == before
    assert load("help-pages/de-de").fingerprint != before
    place = help_folder / "de" / "text" / "a" / "copy.html"
    place.write_text(place.read_text(encoding="utf-8").replace("Ende", "Schluss"), encoding="utf-8")
    assert load("help-pages/de-en").fingerprint != before
    assert "Schluss" in next(load("help-pages/de-de").documents()).text


def test_a_missing_language_says_which_package(help_folder):
    assert registry.status("help-pages/de-en").present
    presence = registry.status("help-pages/fr-en")
    assert not presence.present
    assert "libreoffice-help-fr_" in presence.remedy
    with pytest.raises(MissingResourceError, match="no help pages in 'fr'"):
        load("help-pages/fr-en")


def test_nothing_fetched_says_how_to_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("LAPCA_BENCH_DATA", raising=False)
    with pytest.raises(MissingResourceError) as caught:
        load("help-pages/de-en")
    assert caught.value.remedy == "lapca-bench fetch help-pages"


def test_an_unknown_split_names_the_known(help_folder):
    with pytest.raises(UsageError) as caught:
        load("help-pages/de-en", "dev")
    assert caught.value.remedy == "one of: test, train, heldout"


def test_a_page_that_is_not_utf8_is_named(help_folder):
    (help_folder / "de" / "text" / "a" / "copy.html").write_bytes(b"<title>\xff</title>")
    with pytest.raises(InputError, match="not UTF-8"):
        load("help-pages/de-en")
    assert not list(help_folder.parents[1].glob("cache/collections/help-pages/de-*"))


def test_a_package_without_pages_is_refused(help_folder):
    (help_folder / "libreoffice-help-fr_7_all.deb").write_bytes(deb({"./usr/share/doc/x": b""}, version="7"))
    with pytest.raises(InputError, match="no help page in here"):
        load("help-pages/fr-en").queries()


def test_a_flipped_byte_in_the_cache_is_found(help_folder):
    list(load("help-pages/de-en").documents())
    damaged = store.edition("en").folder / "pages.parquet"
    content = bytearray(damaged.read_bytes())
    content[40] ^= 0xFF
    damaged.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        list(load("help-pages/de-en").documents())
    assert caught.value.path == damaged


class Reader(HTMLParser):
    """The text of every identified paragraph and heading, by the standard library's parser."""

    TAGS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})

    def __init__(self):
        super().__init__()
        self.found, self.open = {}, None

    def handle_starttag(self, tag, attrs):
        identifier = dict(attrs).get("id")
        if tag in self.TAGS:
            self.open = identifier if identifier and identifier not in self.found else None
            if self.open:
                self.found[self.open] = ""

    def handle_endtag(self, tag):
        if tag in self.TAGS:
            self.open = None

    def handle_data(self, data):
        if self.open:
            self.found[self.open] += data


@pytest.mark.resource
def test_pages_cut_by_pattern_equal_those_of_a_parser():
    """On every 40th real English page without switches."""
    if not resources.status("help-pages").present:
        pytest.skip("lapca-bench fetch help-pages")
    compared = 0
    for number, (path, markup) in enumerate(store.find_source("en").pages()):
        if number % 40 == 0 and "switchinline" not in markup:
            reader = Reader()
            reader.feed(markup)
            units = parse_page(path, markup).units
            assert [unit.text for unit in units] == [" ".join(reader.found[unit.id].split()) for unit in units]
            compared += len(units)
    assert compared > 500


@pytest.mark.resource
@pytest.mark.parametrize("subset", ["de-en", "zh-en", "hi-hi", "mixed"])
def test_the_pinned_version_has_the_counted_sizes(subset):
    from lapca_bench import resources

    if (
        not resources.status("help-pages").present
        or not resources.manifest(resources.locate("help-pages"))["as_pinned"]
    ):
        pytest.skip("the pinned version is not here (lapca-bench fetch help-pages)")
    assert all(count.equal for count in registry.check(f"help-pages/{subset}"))
