import pytest
from toys.search import ToyCollection, documents, queries

from lapca_bench.search.registry import Workspace, build_system
from lapca_bench.types import Document

pytest.importorskip("bm25s")
pytest.importorskip("Stemmer")

from lapca_baselines.bm25s_system import stemmed_words
from lapca_baselines.char_ngrams import CharacterNgrams


def search(name, tmp_path, corpus, asked, k=10):
    return build_system(name, Workspace(tmp_path)).search(ToyCollection(corpus), asked, k)


def test_words_are_stemmed_and_stop_words_left_out():
    assert stemmed_words(["The dogs were running", "", "\ud800 a"]) == [["dog", "were", "run"], [], []]


def test_ngrams_stay_within_words_and_know_their_edges():
    assert CharacterNgrams(2, 3)(["Ab, C!"]) == [[" a", "ab", "b ", " ab", "ab ", " c", "c ", " c "]]


def test_ngrams_keep_marks_and_fold_case_and_width():
    assert CharacterNgrams(4, 4)(["हिं", "ＡＢ", "ß"]) == [[" हिं", "हिं "], [" ab "], [" ss "]]


def test_transliteration_brings_names_of_different_scripts_together():
    pytest.importorskip("anyascii")
    latin = CharacterNgrams(4, 4, latin=True)
    assert latin(["Москва"]) == latin(["moskva"]) == [[" mos", "mosk", "oskv", "skva", "kva "]]
    assert latin(["東京 Ünïcode, C!"]) == latin(["dong jing unicode c"])
    assert latin(["", "?!"]) == [[], []]


@pytest.mark.parametrize(("shortest", "longest"), [(0, 3), (4, 3)])
def test_lengths_that_do_not_exist_are_refused(shortest, longest):
    with pytest.raises(ValueError, match="do not exist"):
        CharacterNgrams(shortest, longest)


def test_words_of_related_languages_meet(tmp_path):
    corpus = documents("die Universität Heidelberg", "der Bahnhof", language="de")
    assert search("char-ngrams", tmp_path, corpus, queries("university"), 1).ranking("q0")[0][0] == "d0"


def test_bm25s_fills_lists_up_and_ngrams_do_not(tmp_path):
    corpus, asked = documents("dog", "cat", "bird"), queries("dog")
    filled = search("bm25s", tmp_path, corpus, asked).ranking("q0")
    assert [document for document, _ in filled] == ["d0", "d2", "d1"]
    assert [score for _, score in filled][1:] == [0.0, 0.0]
    assert [document for document, _ in search("char-ngrams", tmp_path, corpus, asked).ranking("q0")] == ["d0"]


@pytest.mark.parametrize("name", ["bm25s", "char-ngrams"])
def test_a_corpus_without_any_term(tmp_path, name):
    assert all(score == 0 for _, _, score, _ in search(name, tmp_path, documents("", "?"), queries("dog", "")).rows())


@pytest.mark.parametrize("name", ["bm25s", "char-ngrams"])
def test_a_tie_on_the_cut_goes_to_the_larger_id(tmp_path, name):
    corpus = [Document(identifier, "same words") for identifier in ("d10", "ü", "d9", "z", "d100")]
    found = search(name, tmp_path, corpus, queries("same words"), 3).ranking("q0")
    assert [document for document, _ in found] == ["ü", "z", "d9"]


def test_identities_differ():
    systems = [build_system(name) for name in ("bm25s", "char-ngrams", "char-ngrams-latin")]
    assert len({system.identity.digest for system in systems}) == 3
