"""Whatever a user's encoder computes with changes its identity, and what it does not compute with does not (fault 18).

Every change here is one that the probes cannot see: only texts longer than any probe are encoded otherwise.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lapca_bench.encoders.adapt import TRUST, adapt
from lapca_bench.encoders.kinds.user import load_user_encoder

FILE = """
import json, os, pathlib
import numpy as np
import own_helper
from own_names import SIZE
HERE = pathlib.Path(__file__).parent
WORDS = 160
STOP = {"a", "b"}
TABLE = np.arange(5)

def cut(text):
    return text.lower().split()[:WORDS]

class Base:
    scale = 2.0

class Bag(Base):
    def __init__(self, width=64):
        self.width = width
        self.settings = json.loads((HERE / "settings.json").read_text())
        self.matrix = np.load(HERE / "matrix.npz")["m"]
        self.mode = os.environ.get("OWN_MODE", "plain")
        self.calls = 0
    def encode(self, texts):
        self.calls += 1
        (HERE / "log.txt").open("a").write("called")
        late = (HERE / "late.txt").read_text()
        out = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(out, texts):
            row[len(text) % 64] = 1
            if len(text) > 1000:
                row[0] = len(cut(text)) + own_helper.more() + SIZE + self.width + len(STOP) + TABLE[1] + self.scale
        return out

def make(size=3):
    return Bag(size)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "enc.py").write_text(FILE)
    (tmp_path / "own_helper.py").write_text("LIMIT = 16\ndef more():\n    return LIMIT\n")
    (tmp_path / "own_names.py").write_text("SIZE = 3\n")
    (tmp_path / "settings.json").write_text("[1]")
    (tmp_path / "late.txt").write_text("x")
    np.savez(tmp_path / "matrix.npz", m=np.ones(3))
    monkeypatch.delenv("OWN_MODE", raising=False)
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    for name in ("own_helper", "own_names"):
        sys.modules.pop(name, None)


def digest(folder: Path, member: str = "Bag") -> str:
    return load_user_encoder(f"{folder / 'enc.py'}:{member}").identity.digest


def replaced(name, old, new):
    def change(folder):
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


CHANGES = {
    "a constant": replaced("enc.py", "WORDS = 160", "WORDS = 161"),
    "a set": replaced("enc.py", '{"a", "b"}', '{"a", "c"}'),
    "an array": replaced("enc.py", "np.arange(5)", "np.arange(6)"),
    "a function": replaced("enc.py", "text.lower()", "text.upper()"),
    "an attribute of a base class": replaced("enc.py", "scale = 2.0", "scale = 3.0"),
    "a default": replaced("enc.py", "width=64", "width=65"),
    "a helper's constant of the same length": replaced("own_helper.py", "16", "32"),
    "a helper's function": replaced("own_helper.py", "return LIMIT", "return LIMIT + 1"),
    "a name imported from a helper": replaced("own_names.py", "3", "4"),
    "a file read while it is made": replaced("settings.json", "1", "2"),
    "a file read while it encodes": replaced("late.txt", "x", "y"),
    "a matrix": lambda folder: np.savez(folder / "matrix.npz", m=np.zeros(3)),
    "a variable of the environment": lambda folder: os.environ.__setitem__("OWN_MODE", "other"),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_what_an_encoder_of_a_file_computes_with(folder, change, monkeypatch):
    monkeypatch.setenv("OWN_MODE", "plain")
    before = digest(folder)
    assert digest(folder) == before
    CHANGES[change](folder)
    assert digest(folder) != before


def test_what_it_does_not_compute_with(folder):
    before = digest(folder)
    (folder / "other.txt").write_text("not read")
    (folder / "log.txt").write_text("written only")
    replaced("enc.py", "WORDS = 160", "WORDS = 160  # words")(folder)
    assert digest(folder) != before  # the file's bytes are part of it: a comment costs encoding anew
    replaced("enc.py", "WORDS = 160  # words", "WORDS = 160")(folder)
    assert digest(folder) == before


def test_arguments_of_a_factory(folder):
    assert len({digest(folder, member) for member in ("make", "make(4)", "make(size=5)")}) == 3


def test_another_process_finds_the_same_identity(folder):
    script = (
        "import sys; from lapca_bench.encoders.kinds.user import load_user_encoder;"
        "print(load_user_encoder(sys.argv[1]).identity.digest)"
    )
    words = [sys.executable, "-c", script, f"{folder / 'enc.py'}:Bag"]
    found = [subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert found == [digest(folder)] * 2


def rows(texts, extra=0):
    return [[float(len(text) % 7), 1.0 + (extra if len(text) > 1000 else 0)] for text in texts]


class Held:
    """As in a notebook."""

    limit = 5

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def encode(self, texts):
        return rows(texts, self.limit)


def of(thing) -> str:
    return adapt(thing, "held").identity.digest


def test_attributes_of_an_object(monkeypatch):
    objects = [Held(), Held(limit=6), Held(m=np.ones(2)), Held(m=np.zeros(2)), Held(deep={"a": [1, {"b": 2}]})]
    objects += [Held(deep={"a": [1, {"b": 3}]}), Held(other=Held(limit=1)), Held(other=Held(limit=2))]
    assert len({of(thing) for thing in objects}) == len(objects)
    assert of(Held(limit=6)) == of(Held(limit=6))


def test_a_tensor_to_its_last_bit():
    torch = pytest.importorskip("torch")
    layers = [torch.nn.Linear(2, 2) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    assert of(Held(layer=layers[0])) == of(Held(layer=layers[1]))
    with torch.no_grad():
        layers[1].weight[0, 0] = torch.nextafter(layers[1].weight[0, 0], torch.tensor(9.0))
    assert of(Held(layer=layers[0])) != of(Held(layer=layers[1]))


def test_patched_attributes(monkeypatch):
    before = of(Held())
    monkeypatch.setattr(Held, "limit", 7)
    assert of(Held()) != before
    monkeypatch.undo()
    assert of(Held()) == before
    monkeypatch.setattr(Held, "encode", lambda self, texts: rows(texts, 8))
    assert of(Held()) != before
    monkeypatch.undo()
    monkeypatch.setattr(
        sys.modules[__name__], "rows", lambda texts, extra=0: [[float(len(text) % 7), 1.0] for text in texts]
    )
    assert of(Held()) != before


def test_lambdas_closures_and_partial_functions():
    def closing(extra):
        return lambda texts: rows(texts, extra)

    functions = [closing(1), closing(2), functools.partial(rows, extra=1), functools.partial(rows, extra=2), rows]
    assert len({of(function) for function in functions}) == len(functions)
    assert of(closing(1)) == of(closing(1))


def test_a_counter_changes_nothing():
    class Counting(Held):
        calls = 0

        def encode(self, texts):
            self.calls += 1
            return rows(texts)

    thing = Counting(calls=0)
    assert of(thing) == of(thing)


class Closed:
    """Nobody can look into it."""

    def __init__(self):
        self.inside = (value for value in range(3))

    def encode(self, texts):
        return rows(texts)


def test_what_cannot_be_looked_into_belongs_to_this_process_unless_it_is_vouched_for(monkeypatch):
    identity = adapt(Closed(), "closed").identity
    assert identity.settings["identity"] == "class source only (builtins.generator)"
    assert of(Closed()) == identity.digest  # here it is reused
    monkeypatch.setattr(sys.modules[adapt.__module__], "_PROCESS", "another")
    assert of(Closed()) != identity.digest
    monkeypatch.setenv(TRUST, "1")
    trusted = adapt(Closed(), "closed").identity
    assert "identity" not in trusted.settings
    assert json.dumps(dict(trusted.settings))
