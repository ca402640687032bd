"""Every kind of TOML file tells the same faults in the same way: exit 2, with file, line, key and the nearest key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lapca_bench.collections import files
from lapca_bench.errors import UsageError
from lapca_bench.experiment import spec
from lapca_bench.report.published import tables as recipes
from lapca_bench.search.kinds import read_card
from lapca_bench.training.ablation import load_plan
from lapca_bench.training.recipe import load_recipe

ENCODER = """[encoder]
type = "transformer"
checkpoint = "resource:x"
pooling = "mean"
"""
HEAD = """name = "mine"
title = "Mine"
licence = "MIT"
citation = "me"
url = "https://example.org"
languages = ["*"]
"""


@dataclass(frozen=True)
class Kind:
    """A kind of file: its reader, a whole file, two keys it must have, and a table with one of its keys."""

    name: str
    read: Callable[[Path], object]
    text: str
    required: tuple[str, str]
    inner: tuple[str, str] | None = None  # "table" and "key"; None where all keys stand outside tables
    title: str = "title"  # a key whose value is a text


KINDS = (
    Kind(
        "a lexical system's card",
        read_card,
        HEAD + 'kind = "bm25"\n[bm25]\nanalyser = "de"\n',
        ("licence", "url"),
        ("bm25", "analyser"),
    ),
    Kind(
        "a dense system's card",
        read_card,
        HEAD + 'kind = "dense"\n' + ENCODER,
        ("licence", "url"),
        ("encoder", "pooling"),
    ),
    Kind(
        "a recipe",
        lambda path: load_recipe(str(path)),
        'name = "mine"\ntitle = "Mine"\n' + ENCODER + "[objective]\nmlm = 0.5\n",
        ("name", "encoder.checkpoint"),
        ("objective", "mlm"),
    ),
    Kind(
        "a plan",
        lambda path: load_plan(str(path)),
        'recipe = "small"\npairs = ["a"]\nchanges = { "evaluation.collections" = ["x"] }\n'
        '[mined.a]\ncorpus = "x"\n[[variants]]\nname = "one"\n[[variants]]\nname = "two"\n',
        ("recipe", "pairs"),
        ("variants.1", "name"),
        "recipe",
    ),
    Kind(
        "an experiment",
        spec.read,
        'title = "x"\nsystems = ["bm25"]\ncollections = ["xquad-r"]\n',
        ("systems", "collections"),
    ),
    Kind(
        "a collection's card",
        files.read_card,
        'name = "news"\ntitle = "News"\nquery_languages = ["de"]\ndocument_languages = ["de"]\n'
        '[documents]\npath = "d.tsv"\n[splits.test]\nqrels = "q"\n[splits.test.queries]\npath = "q.tsv"\n',
        ("query_languages", "document_languages"),
        ("splits.test", "qrels"),
    ),
    Kind(
        "a collection's card with a BEIR folder",
        files.read_card,
        'name = "news"\ntitle = "News"\nquery_languages = ["de"]\ndocument_languages = ["de"]\nbeir = "scifact"\n',
        ("query_languages", "document_languages"),
    ),
    Kind(
        "a published table",
        recipes.read,
        'title = "x"\ncollection = "c"\nprotocol = "p"\nsplit = "s"\nmeasures = ["m"]\n'
        '[measured]\ncollection = "c"\nsplit = "s"\nmeasures = { m = "nDCG@10" }\n',
        ("collection", "protocol"),
        ("measured", "split"),
    ),
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def refused(kind: Kind, tmp_path: Path, content: str | bytes | None) -> UsageError:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as caught:
        kind.read(path)
    assert caught.value.exit_code == 2
    assert caught.value.path == path
    assert caught.value.remedy
    return caught.value


def without(text: str, *keys: str) -> str:
    """The text without the (first) lines of these keys."""
    lines = text.splitlines(keepends=True)
    for key in keys:
        name = key.rpartition(".")[2]
        del lines[next(n for n, line in enumerate(lines) if line.startswith(f"{name} ="))]
    return "".join(lines)


def misspelt(text: str, key: str, last: bool = False) -> tuple[str, int]:
    """The text with one letter of a key more, and its line."""
    lines = text.splitlines(keepends=True)
    found = [n for n, line in enumerate(lines) if line.startswith(f"{key} =")]
    number = found[-1 if last else 0]
    lines[number] = lines[number].replace(key, f"{key}s", 1)
    return "".join(lines), number + 1


def test_a_whole_file_is_read(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(kind.text)
    assert kind.read(path)


def test_an_unknown_key_is_told_with_the_nearest(kind: Kind, tmp_path: Path) -> None:
    text, line = misspelt(kind.text, kind.title)
    error = refused(kind, tmp_path, text)
    assert (error.line, error.key, error.remedy) == (line, f"{kind.title}s", f"did you mean {kind.title}?")
    assert error.message.startswith("unknown key")


def test_an_unknown_key_like_no_other_is_told_with_all(kind: Kind, tmp_path: Path) -> None:
    error = refused(kind, tmp_path, "zzzzzz = 1\n" + kind.text)
    assert (error.line, error.key, error.message) == (1, "zzzzzz", "unknown key")
    assert kind.required[0].partition(".")[0] in (error.remedy or "")


def test_an_unknown_key_in_a_table_is_told_with_the_nearest(kind: Kind, tmp_path: Path) -> None:
    if kind.inner is None:
        return
    table, key = kind.inner
    text, line = misspelt(kind.text, key, last=True)
    error = refused(kind, tmp_path, text)
    assert (error.line, error.key, error.remedy) == (line, f"{table}.{key}s", f"did you mean {key}?")


def test_all_missing_keys_are_told(kind: Kind, tmp_path: Path) -> None:
    error = refused(kind, tmp_path, without(kind.text, *kind.required))
    assert error.message == f"missing: {', '.join(kind.required)}"
    assert error.key == kind.required[0]


def test_a_value_of_a_wrong_type_is_told(kind: Kind, tmp_path: Path) -> None:
    lines = kind.text.splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith(f"{kind.title} ="))
    lines[number] = f"{kind.title} = 3"
    error = refused(kind, tmp_path, "\n".join(lines))
    assert (error.line, error.key, error.message) == (number + 1, kind.title, "Input should be a valid string")


def test_what_is_missing_is_told_with_what_is_wrong(kind: Kind, tmp_path: Path) -> None:
    error = refused(kind, tmp_path, "zzzzzz = 1\n" + without(kind.text, *kind.required))
    assert (error.key, error.message) == ("zzzzzz", f"unknown key; missing: {', '.join(kind.required)}")


def test_what_is_not_utf8_is_told_with_its_line(kind: Kind, tmp_path: Path) -> None:
    error = refused(kind, tmp_path, kind.text.encode() + b'# \n# \xff"\n')
    assert (error.line, error.message) == (kind.text.count("\n") + 2, "not UTF-8 (byte 0xff)")


@pytest.mark.parametrize(("broken", "line"), [("a = \n", 1), ("[[[\n", 1), ("a = " + "[" * 3000, None)])
def test_what_is_not_toml_is_told_with_its_line(kind: Kind, tmp_path: Path, broken: str, line: int | None) -> None:
    error = refused(kind, tmp_path, kind.text + broken)
    assert error.message.startswith("not TOML: ")
    assert error.line == (None if line is None else kind.text.count("\n") + line)


def test_a_file_that_is_not_there_is_told(kind: Kind, tmp_path: Path) -> None:
    error = refused(kind, tmp_path, None)
    assert (error.line, error.message) == (None, "cannot read: No such file or directory")
