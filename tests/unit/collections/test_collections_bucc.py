"""BUCC's loader on a small file in the shared task's format."""

import pytest

from lapca_bench.collections.bucc import BUCC
from lapca_bench.errors import InputError, MissingResourceError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    folder = tmp_path / "bucc2018" / "de-en"
    folder.mkdir(parents=True)
    (folder / "de-en.training.de").write_text("de-000000001\tHallo.\nde-000000002\tEin Satz ohne Partner.\n")
    (folder / "de-en.training.en").write_text("en-000000001\tNo partner.\nen-000000002\tHello.\n")
    (folder / "de-en.training.gold").write_text("de-000000001\ten-000000002\n")
    return folder


def test_both_directions_share_the_gold(folder):
    forward, backward = BUCC.load("de-en"), BUCC.load("en-de")
    assert forward.split == "train"
    assert forward.relevance().judgements == {"de-000000001": {"en-000000002": 1}}
    assert backward.relevance().judgements == {"en-000000002": {"de-000000001": 1}}
    assert [query.id for query in backward.queries()] == [document.id for document in forward.documents()]
    assert [document.text for document in backward.documents()] == ["Hallo.", "Ein Satz ohne Partner."]
    assert BUCC.presence("en-de").present
    assert forward.card.policy.no_relevant == "exclude"


def test_the_test_split_may_lack_gold(folder):
    for language in ("de", "en"):
        (folder / f"de-en.test.{language}").write_text(f"{language}-000000001\tx\n")
    assert len(BUCC.load("de-en", "test").relevance()) == 0
    (folder / "de-en.test.gold").write_text("de-000000001\ten-000000001\n")
    assert len(BUCC.load("de-en", "test").relevance()) == 1


def test_gold_that_names_an_absent_sentence_is_refused(folder):
    (folder / "de-en.training.en").write_text("en-000000001\tNo partner.\n")
    with pytest.raises(InputError, match="'en-000000002', which is not there") as caught:
        BUCC.load("de-en")
    assert (caught.value.path.name, caught.value.line) == ("de-en.training.gold", 1)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("de-000000001 Hallo.\n", 1, "1 tab-separated columns"),
        ("de-000000001\tHallo.\n\tohne\n", 2, "without id"),
        ("de-000000001\tHallo.\nde-000000001\tnochmal\n", None, "comes twice"),
    ],
)
def test_malformed_sentences_are_named(folder, content, line, problem):
    (folder / "de-en.training.de").write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        BUCC.load("de-en")
    assert caught.value.line == line


def test_absent_gold_of_the_training_split_is_named(folder):
    (folder / "de-en.training.gold").unlink()
    assert "de-en.training.gold" in BUCC.presence("de-en").reason
    with pytest.raises(MissingResourceError, match="gold"):
        BUCC.load("de-en")


def test_subsets():
    assert BUCC.subsets() == ("de-en", "fr-en", "ru-en", "zh-en", "en-de", "en-fr", "en-ru", "en-zh")
    assert BUCC.counts("fr-en") == []
