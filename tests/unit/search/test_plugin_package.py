"""A stranger's package, really built and installed into a folder of its own: an encoder, a system and a collection."""

import json
import os
import subprocess
import sys

import pytest

FILES = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "lapca-toy-plugin"
version = "0.1"

[project.entry-points."lapca_bench.encoders"]
toy-letters = "lapca_toy_plugin.encoder:Letters"

[project.entry-points."lapca_bench.systems"]
toy = "lapca_toy_plugin.systems:cards"

[project.entry-points."lapca_bench.collections"]
toy = "lapca_toy_plugin.collection:TOY"

[tool.setuptools]
packages = ["lapca_toy_plugin"]

[tool.setuptools.package-data]
lapca_toy_plugin = ["*.toml"]
""",
    "lapca_toy_plugin/__init__.py": "",
    "lapca_toy_plugin/encoder.py": """
class Letters:
    def encode(self, texts):
        return [[1.0 + text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
""",
    "lapca_toy_plugin/systems.py": """
from pathlib import Path

from lapca_bench import Run, SystemIdentity


def cards():
    return Path(__file__).parent


class Last:
    name = "toy-last"
    identity = SystemIdentity("toy", {"version": 1})

    def search(self, collection, queries, k):
        last = list(collection.documents())[-1].id
        rows = range(len(queries))
        return Run.from_columns(self.name, [query.id for query in queries], rows, [last] * len(rows), [1.0] * len(rows))


def build(card, workspace):
    return Last()
""",
    "lapca_toy_plugin/toy-last.toml": """
name = "toy-last"
title = "Always the last document"
kind = "toy"
licence = "MIT"
citation = "nobody"
url = "https://example.org"
languages = ["*"]
builder = "lapca_toy_plugin.systems:build"
""",
    "lapca_toy_plugin/collection.py": """
from dataclasses import dataclass

from lapca_bench import CollectionCard, Document, Policy, Qrels, Query
from lapca_bench.collections.family import Presence

CARD = CollectionCard(
    name="toy-pets/en", family="toy-pets", title="Pets", version="1", licence="MIT", citation="nobody",
    url="https://example.org", policy=Policy(measures=("RR@10",)), query_languages=("en",), document_languages=("en",),
)


@dataclass(frozen=True)
class Pets:
    card: CollectionCard = CARD
    split: str = "test"
    fingerprint: str = "pets 1"

    def documents(self):
        return iter([Document("d0", "a zebra", language="en"), Document("d1", "a cat", language="en")])

    def queries(self):
        return [Query("q0", "zzz", "en"), Query("q1", "cat", "en")]

    def relevance(self):
        return Qrels({"q0": {"d0": 1}, "q1": {"d1": 1}})


class Family:
    name = "toy-pets"

    def subsets(self):
        return ("en",)

    def groups(self):
        return {}

    def card(self, subset):
        return CARD

    def presence(self, subset):
        return Presence(present=True)

    def load(self, subset, split):
        return Pets()

    def counts(self, subset):
        return ()


TOY = Family()
""",
}


PROGRAM = """
import json

from lapca_bench import evaluate
from lapca_bench.collections import registry as collections
from lapca_bench.search import registry as systems

evaluation = evaluate(["toy-letters", "toy-last"], ["toy-pets/en"], results="results")
print(json.dumps({
    "kinds": {name: systems.cards()[name].kind for name in ("toy-letters", "toy-last")},
    "runnable": [systems.status(name).ok for name in ("toy-letters", "toy-last")],
    "collection": "toy-pets/en" in collections.names(),
    "errors": [str(outcome.error) for outcome in evaluation.outcomes if outcome.error is not None],
    "means": {o.result.system: o.result.aggregates[0]["mean"] for o in evaluation.outcomes if o.result is not None},
}))
"""


@pytest.fixture
def installed(tmp_path):
    """The folder that pip installed the package into."""
    source, target = tmp_path / "plugin", tmp_path / "site"
    for name, text in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


def test_a_package_adds_an_encoder_a_system_and_a_collection(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "LAPCA_BENCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == []
    assert found["kinds"] == {"toy-letters": "dense", "toy-last": "toy"}
    assert found["runnable"] == [True, True]
    assert found["collection"]
    assert found["means"] == {"toy-letters": 1.0, "toy-last": 0.5}  # "zzz" is like the zebra, "cat" like the cat
