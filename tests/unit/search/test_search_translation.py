"""Translate-test: dictionaries, the pipe of Apertium, and queries translated before a system sees them."""

import gzip
from dataclasses import replace

import pytest
from toys.search import ToyCollection, WordHashEncoder, documents, queries

from lapca_bench.errors import EncoderError, InputError, StoreError, UsageError
from lapca_bench.sealed import read_sealed
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.translation import apertium
from lapca_bench.search.translation.dictd import Dictionary, base64_number, key_of, translations
from lapca_bench.search.translation.freedict import Words, _translated
from lapca_bench.search.translation.system import TranslateSystem
from lapca_bench.search.translation.translators import find_translator
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Query

ENTRIES = {
    "Haus": 'Haus /hˈaʊs/ <n, sg>\nhouse <n>, building <n>\n      "ein Haus bauen"  - build\n see: {Häuser}\n',
    "frei": "frei /fʁaɪ/ <adj>\n1. free\n2. [adm.] vacant, open\n3. blank\n",
    "rotes Auto": "rotes Auto\nred car\na car that is red\n",
    "Zug": "Zug\n see: {Züge}\n",
    "Amt": "Amt\na public body with a long explanation\n",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def number(value):
    digits = ""
    while value:
        value, rest = divmod(value, 64)
        digits = ALPHABET[rest] + digits
    return digits or "A"


def toy_dictionary():
    text, index = b"", "00databaseinfo\tA\tA\n"
    for word, entry in ENTRIES.items():
        encoded = entry.encode()
        index += f"{word.lower()}\t{number(len(text))}\t{number(len(encoded))}\n"
        text += encoded
    return Dictionary.parse(index.encode(), gzip.decompress(gzip.compress(text)))


def test_numbers_of_an_index_by_hand():
    assert [base64_number(digits) for digits in ("A", "B", "/", "BA", "CP")] == [0, 1, 63, 64, 143]
    with pytest.raises(ValueError, match="no number in base 64"):
        base64_number("B!")


def test_of_an_entry_the_first_translation_of_each_sense_is_taken():
    assert {word: translations(entry) for word, entry in ENTRIES.items()} == {
        "Haus": ["house"],
        "frei": ["free", "vacant"],
        "rotes Auto": ["red car"],
        "Zug": [],
        "Amt": [],
    }


def test_keys_keep_marks_and_drop_the_rest():
    assert key_of("  Straße-NR. 7, कि! ") == "strasse nr 7 कि"


def test_an_index_that_points_outside_the_text_is_refused():
    with pytest.raises(ValueError, match="outside the text"):
        Dictionary.parse(b"haus\tA\tZZ\n", b"Haus\nhouse\n")


def test_words_are_matched_longest_first_then_by_their_beginning():
    words = Words(toy_dictionary(), backwards=False)
    assert _translated("Rotes Auto, frei!", words, spaced=True) == "red car free vacant"
    assert _translated("Häuser Hauses Xyz", words, spaced=True) == "häuser house xyz"
    assert _translated("", words, spaced=True) == ""


def test_a_dictionary_out_of_english_is_read_backwards():
    words = Words(toy_dictionary(), backwards=True)
    assert words.look_up("red car") == "rotes auto"
    assert words.look_up("haus") is None


def test_scripts_without_blanks_are_matched_by_characters():
    text = "東京\nTokyo\n".encode()
    dictionary = Dictionary.parse(f"東京\tA\t{number(len(text))}\n".encode(), text)
    assert _translated("東京へPython", Words(dictionary, backwards=False), spaced=False) == "Tokyo へ python"


class Backwards:
    """A translator that turns German words round."""

    identity = {"name": "backwards"}  # noqa: RUF012

    def __init__(self, short=False):
        self.calls = 0
        self._short = short

    def sources(self, target):
        return frozenset({"de"} if target == "en" else ())

    def translate(self, texts, source, target):
        self.calls += 1
        return [text[::-1] for text in texts][: -1 if self._short else None]

    def check(self):
        pass


def system(folder, translator):
    inner = DenseSystem(WordHashEncoder(), VectorStore(folder / "vectors"), name="toy")
    return TranslateSystem(translator, inner, "en", folder / "translations", "turned+toy")


QUERIES = [Query("q0", "der", "de"), Query("q1", "cat", "en"), Query("q2", "chat", "fr")]


def test_only_queries_in_a_known_language_are_translated_and_what_was_asked_is_shown(tmp_path):
    translator = Backwards()
    run = system(tmp_path, translator).search(ToyCollection(documents("red boat", "a cat")), QUERIES, 2)
    assert run.name == "turned+toy"
    assert run.ranking("q0")[0][0] == "d0"
    assert run.ranking("q1")[0][0] == "d1"
    assert run.notes["translated"] == ["de"]
    assert run.notes["not_translated"] == ["fr"]
    assert run.notes["first_texts"]["asked"] == "der"
    assert run.notes["first_texts"]["translated"] == "red"
    kept = tmp_path / "translations" / run.notes["translations"][0]
    assert read_sealed(kept, "") == {"texts": ["der"], "translations": ["red"]}


def test_a_damaged_file_of_translations_is_named_and_made_again(tmp_path):
    collection = ToyCollection(documents("red boat", "a cat"))
    run = system(tmp_path, Backwards()).search(collection, QUERIES, 2)
    kept = tmp_path / "translations" / run.notes["translations"][0]
    kept.write_text(kept.read_text().replace("red", "rod"))
    with pytest.raises(StoreError, match="does not match its seal") as caught:
        system(tmp_path, Backwards()).search(collection, QUERIES, 2)
    assert str(kept) in str(caught.value)
    kept.unlink()
    again = system(tmp_path, Backwards()).search(collection, QUERIES, 2)
    assert list(again.rows()) == list(run.rows())


def test_line_separators_and_what_is_no_unicode_survive_the_file(tmp_path):
    odd = queries("a\u2028b\x85c", "\x00\x1b")
    odd = [replace(query, language="de") for query in odd]
    first, second = (system(tmp_path, Backwards())._translated(odd).queries for _ in range(2))
    assert [query.text for query in first] == [query.text for query in second] == ["c\x85b\u2028a", "\x1b\x00"]


def test_a_text_is_translated_once(tmp_path):
    translator = Backwards()
    collection = ToyCollection(documents("red boat", "a cat"))
    runs = [system(tmp_path, translator).search(collection, QUERIES, 2) for _ in range(2)]
    assert translator.calls == 1
    assert list(runs[0].rows()) == list(runs[1].rows())


def test_the_identity_follows_the_translator(tmp_path):
    other = Backwards()
    other.identity = {"name": "other"}
    digests = {system(tmp_path, one).identity.digest for one in (Backwards(), other)}
    assert len(digests) == 2


def test_a_translator_that_loses_a_text_is_named(tmp_path):
    with pytest.raises(EncoderError, match="returned 0 texts for 1"):
        system(tmp_path, Backwards(short=True)).search(ToyCollection(documents("a")), QUERIES, 1)


def test_an_unknown_translator_gets_its_neighbours():
    with pytest.raises(UsageError, match="freedict"):
        find_translator("freedct")
    with pytest.raises(UsageError, match="cannot be made"):
        find_translator("lapca_bench.search.translation.freedict:Nothing")
    with pytest.raises(UsageError, match="no translator"):
        find_translator("collections:OrderedDict")


def a_pipe(folder, text):
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/lib/here").mkdir(parents=True)
    (folder / "usr/share/apertium/modes").mkdir(parents=True)
    for name, body in {"upper": "tr a-z A-Z", "copy": "cat"}.items():
        program = folder / "usr/bin" / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    (folder / "usr/share/apertium/modes/xx-en.mode").write_text(text)
    return folder


def test_a_mode_is_run_without_a_shell_and_reserved_characters_come_back(tmp_path):
    root = a_pipe(tmp_path, "copy '/usr/share/apertium/a file.bin' | upper $1 $2\n")
    pipe = apertium.commands(root, "xx-en")
    assert pipe[0][1] == str(root / "usr/share/apertium/a file.bin")
    assert pipe[1][1:] == ["-n"]
    texts = ["a [b] ^c$ <d>; rm x", "", "two\nlines"]
    assert apertium._through(texts, pipe, root) == ["A [B] ^C$ <D>; RM X", "", "TWO LINES"]


def test_a_mode_that_starts_anything_else_is_refused(tmp_path):
    root = a_pipe(tmp_path, "copy x | sh -c 'rm y'\n")
    with pytest.raises(InputError, match="sh"):
        apertium.commands(root, "xx-en")
    with pytest.raises(InputError, match="no such mode"):
        apertium.commands(root, "yy-en")
