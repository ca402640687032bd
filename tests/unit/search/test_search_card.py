import re

import pytest

from lapca_bench.errors import UsageError
from lapca_bench.search.kinds import read_card
from lapca_bench.search.lexical.bm25 import BM25Card

HEAD = """name = "mine"
title = "Mine"
kind = "bm25"
licence = "MIT"
citation = "me"
url = "https://example.org"
languages = ["*"]
"""


def refused(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as raised:
        read_card(path)
    assert raised.value.path == path
    assert raised.value.remedy
    return raised.value


def test_a_card(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + "[bm25]\nk1 = 1.2\n")
    card = read_card(path)
    assert isinstance(card, BM25Card)
    assert (card.name, card.bm25.k1, card.bm25.b, card.trained_on) == ("mine", 1.2, 0.4, [])


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"name = 'mine'\ntitle = '\xff'\n", "not UTF-8", 2),
        ("name = 'mine'\ntitle = \n", "not TOML", 2),
        (HEAD + "colour = 'red'\n[bm25]\n", "unknown key", 8),
        (HEAD + "[bm25]\nk1 = -1\n", "greater than or equal to 0", 9),
        (HEAD + "[bm25]\nk1 = inf\n", "finite", 9),
        (HEAD.replace("MIT", "").replace("licence", "license"), "missing", None),
        (HEAD, r"\[bm25\] this key is missing", None),
        (HEAD.replace('"bm25"', '"psychic"'), "needs a builder", None),
        (HEAD + "[bm25]\n[margin]\nsystem = 'x'\n", r"\[margin\] unknown key", 9),
        (HEAD + "builder = 'no colon'\n", "is not a module and a function", 8),
        (HEAD.replace('"bm25"', '"fusion"') + "[fusion]\nsystems = ['one']\n", "at least 2", 9),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, content, message, line):
    error = refused(tmp_path, content)
    assert re.search(message, str(error))
    assert line is None or error.line == line


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        read_card(tmp_path / "none.toml")
