"""Languages: every code that a collection uses is known; Tatoeba's codes lead to the field's."""

import pytest

from lapca_bench.collections import card, names
from lapca_bench.collections.languages import known_language, language, language_code, languages
from lapca_bench.errors import UsageError


def test_every_code_of_every_collection_is_known():
    used = {code for name in names() for code in (*card(name).query_languages, *card(name).document_languages)}
    assert {code for code in used if language(code) is None} == set()
    assert len(used) > 100


@pytest.mark.parametrize(
    ("code", "expected"), [("cmn", "zh"), ("swh", "sw"), ("pes", "fa"), ("deu", "de"), ("arz", "arz")]
)
def test_three_letter_codes_lead_to_the_shortest(code, expected):
    assert language(code).code == expected


def test_all_tatoeba_languages_are_different():
    codes = {card(name).query_languages[0] for name in names() if name.startswith("tatoeba/")} - {"eng"}
    assert len(codes) == 112
    assert len({language(code).code for code in codes}) == 112


def test_no_code_stands_for_two_languages():
    seen = [code for entry in languages().values() for code in (entry.code, *entry.aliases)]
    assert len(seen) == len(set(seen))
    assert list(languages()) == sorted(languages(), key=str)


def test_an_unknown_code_names_near_ones():
    with pytest.raises(UsageError, match="unknown language 'deutsch'"):
        language("deutsch")


@pytest.mark.parametrize(
    ("code", "name", "script"),
    [
        ("zh-tw", "Chinese (Taiwan)", "Han"),
        ("zh-cn", "Chinese (mainland)", "Han"),
        ("pt-br", "Portuguese (Brazil)", "Latin"),
        ("lvs", "Latvian", "Latin"),
        ("nb", "Norwegian Bokmål", "Latin"),
        ("ja", "Japanese", "Japanese"),
    ],
)
def test_boards_find_name_and_script_whatever_the_case(code, name, script):
    found = known_language(code)
    assert found is not None
    assert (found.name, found.script_name) == (name, script)


def test_every_script_has_a_name():
    assert all(entry.script_name for entry in languages().values())
    assert known_language("all") is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("german", 'German is "de"'),
        ("Swahili", 'Swahili is "sw"'),
        ("DE", 'write "de"'),
        ("pt-BR", 'write "pt" (regions take no part)'),
        ("en_US", 'write "en" (regions take no part)'),
        ("zh_hant", 'write "zh-Hant"'),
        ("", "two or three small letters"),
        ("d", "two or three small letters"),
        ("de ", "two or three small letters"),
        ("\u202ede", "two or three small letters"),
    ],
)
def test_what_is_no_code_is_told_in_words(written, told):
    with pytest.raises(ValueError, match="no language code") as raised:
        language_code(written)
    assert told in str(raised.value)


def test_codes_of_languages_that_are_not_listed_are_codes():
    assert [language_code(code) for code in ("de", "swh", "zh-Hant", "qqq")] == ["de", "swh", "zh-Hant", "qqq"]
