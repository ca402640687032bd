from __future__ import annotations

from pathlib import Path

import pytest

from lapca_bench.encoders import load_user_encoder
from lapca_bench.errors import EncoderError, UsageError

GOOD = """
import numpy as np

class Lengths:
    def encode(self, texts):
        return np.array([[len(t) + 1.0, t.count("a")] for t in texts])

class Dots(Lengths):
    similarity = "dot"

def by_function(texts):
    return Lengths().encode(texts)

ready = Lengths()
"""


def write(folder: Path, content: str | bytes, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("member", ["Lengths", "by_function", "ready"])
def test_a_class_a_function_and_an_object_can_be_named(tmp_path: Path, member: str) -> None:
    encoder = load_user_encoder(f"{write(tmp_path, GOOD)}:{member}")
    assert encoder.identity.name == member
    assert encoder.encode_queries(["aaa"]).tolist() == [pytest.approx([0.8, 0.6])]


def test_a_similarity_stated_by_the_class_is_kept(tmp_path: Path) -> None:
    encoder = load_user_encoder(f"{write(tmp_path, GOOD)}:Dots")
    assert encoder.similarity == "dot"
    assert encoder.encode_queries(["aaa"]).tolist() == [[4, 3]]


def test_the_identity_follows_the_source_and_is_the_same_when_loaded_again(tmp_path: Path) -> None:
    first = load_user_encoder(f"{write(tmp_path, GOOD)}:Lengths").identity.digest
    assert load_user_encoder(f"{write(tmp_path, GOOD)}:Lengths").identity.digest == first
    changed = GOOD.replace("+ 1.0", "+ 3.0")
    assert load_user_encoder(f"{write(tmp_path, changed)}:Lengths").identity.digest != first


@pytest.mark.parametrize(
    ("content", "member", "complaint", "line"),
    [
        (GOOD, "Length", "defines no Length", None),
        ("x = 1\ny = (\n", "A", "not Python", 2),
        ("# fine\n# \xe9\n".encode("latin-1"), "A", "not UTF-8", 2),
        ("import nowhere_to_be_found\n", "A", "fails on import: ModuleNotFoundError", 1),
        ("a = 1\nb = a / 0\n", "A", "fails on import: ZeroDivisionError", 2),
        ("class A:\n    def __init__(self, path):\n        pass\n", "A", "fails: TypeError", None),
        ("class A:\n    def __init__(self):\n        raise OSError('no file')\n", "A", "fails: OSError: no file", 3),
        ("A = 3\n", "A", "cannot be an encoder", None),
        (b"x = '\0'\n", "A", "not Python", None),
    ],
)
def test_every_mistake_is_one_clear_error(
    tmp_path: Path, content: str | bytes, member: str, complaint: str, line: int | None
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UsageError, match=complaint) as caught:
        load_user_encoder(f"{path}:{member}")
    if line is not None:
        assert (caught.value.path, caught.value.line) == (path, line)


def test_the_nearest_names_are_offered(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean Lengths"):
        load_user_encoder(f"{write(tmp_path, GOOD)}:Lenghts")
    with pytest.raises(UsageError, match=r"did you mean mine\.py"):
        load_user_encoder(f"{tmp_path / 'mime.py'}:Lengths")


@pytest.mark.parametrize("specification", ["mine.py", "mine.py:", ":Lengths", ""])
def test_a_specification_of_another_form(specification: str) -> None:
    with pytest.raises(UsageError, match=r"path/to/file\.py:Class"):
        load_user_encoder(specification)


def test_bad_vectors_of_a_users_class_are_caught_when_it_encodes(tmp_path: Path) -> None:
    path = write(tmp_path, "class A:\n    def encode(self, texts):\n        return [[float('nan')] for _ in texts]\n")
    with pytest.raises(EncoderError, match="NaN"):
        load_user_encoder(f"{path}:A").encode_queries(["a"])
