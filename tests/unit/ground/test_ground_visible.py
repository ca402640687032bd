"""Foreign text is shown harmless: by the functions themselves, in errors, logs, columns and JSON."""

import ast
import json
import logging
from pathlib import Path

import pytest

import lapca_bench
from lapca_bench.cli import output
from lapca_bench.errors import InputError
from lapca_bench.visible import visible, visible_json, visible_lines

HOSTILE = {
    "colours and cursor": "zz\x1b[2K\x1b[1A\x1b[32mok\x1b[0m",
    "window title": "a\x1b]0;pwned\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\safe\x1b]8;;\x1b\\",
    "C1": "a\x9b31mb\x85c",
    "direction": "a\u202eb\u2066c\u200fd",
    "zero width": "a\u200bb\ufeffc\u2060d\u00ade",
    "lines": "a\u2028b\u2029c\x0bd\x0ce",
    "lone surrogate": "a\ud800b",
    "tags": "a\U000e0041b",
    "fillers": "a\u3164b\u115fc\u034fd\u180ee",
    "NUL and backspace": "a\0b\bc\x7f",
}
RAW = [c for text in HOSTILE.values() for c in text if c not in "\x0b\x0c\x85\u2028\u2029" and not c.isprintable()]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text):
    for shown in (visible(text), visible_lines(text), visible_json(json.dumps(text, ensure_ascii=False))):
        assert not any(char in shown for char in RAW)
        assert not any(0x7F <= ord(char) < 0xA0 or char == "\x1b" for char in shown)
    assert json.loads(visible_json(json.dumps(text, ensure_ascii=False))) == text


def test_plain_text_of_any_script_stays_as_it_is():
    for text in ("me5-small", "नेपाली", "東京 tower", "é ±1", "👍", "tab\tand\nline"):
        assert visible_lines(text) == text
    assert visible(" two  words\nand a line ") == "two words and a line"


def test_an_error_begins_one_line_and_every_other_is_indented():
    error = InputError("no\nok  all fine", path="a\nerror: b\x1b[2J", key="k\nk", remedy="x\ny")
    lines = str(error).split("\n")
    assert lines[0].startswith("a error: b")
    assert all(line.startswith("  ") for line in lines[1:])
    assert "\x1b" not in str(error)


def test_columns_logs_and_messages_are_shown_harmless(capsys):
    text = "".join(HOSTILE.values()) + "\nok  everything fine"
    output.say_columns(("name",), [(text,)])
    output.say(text)
    output.tell(text)
    output.say_json({"name": text})
    output.set_volume(quiet=False, verbose=False)
    logging.getLogger("lapca_bench.test").warning("%s", text)
    out, err = capsys.readouterr()
    assert not any(char in out + err for char in RAW)
    assert len(out.splitlines()[1].split("ok  everything")) == 1  # a row of columns is one line
    assert not out.splitlines()[2].startswith("ok")


def test_everything_is_printed_through_these_functions():
    """`print` and `echo` stand in two files of the command line; bars and logs have one place each."""
    root = Path(lapca_bench.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print",
                "typer.echo",
                "click.echo",
                "typer.secho",
                "sys.stdout.write",
                "sys.stderr.write",
                "tqdm",
            ):
                found.add((path.relative_to(root).as_posix(), ast.unparse(node.func)))
    assert found == {
        ("cli/output.py", "typer.echo"),
        ("cli/main.py", "print"),
        ("cli/main.py", "typer.echo"),
        ("progress.py", "tqdm"),
    }
