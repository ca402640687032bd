"""Digests, error messages, and the shape of the distribution."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from lapca_bench.digest import digest_texts, digest_value
from lapca_bench.errors import InputError, UsageError, unknown_name
from lapca_bench.extras import EXTRAS

ROOT = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]


def test_digest_of_texts_keeps_boundaries():
    assert digest_texts(["ab"]) != digest_texts(["a", "b"])
    assert digest_texts(["ab", ""]) != digest_texts(["ab"])
    assert digest_texts(["\ud800"]) != digest_texts(["?"])


def test_digest_of_a_mapping_ignores_key_order():
    assert digest_value({"a": 1, "b": [1.5, None]}) == digest_value({"b": [1.5, None], "a": 1})
    assert digest_value({"a": 1}) != digest_value({"a": "1"})


def test_an_error_names_place_and_fix():
    error = InputError("score is NaN", path="runs/a.trec", line=7, remedy="mend the system")
    assert str(error) == "runs/a.trec:7: score is NaN\n  fix: mend the system"
    assert error.exit_code == 1


def test_an_unknown_name_gets_its_neighbours():
    error = unknown_name("system", "me5-smal", ["me5-small-q4", "bm25"])
    assert isinstance(error, UsageError)
    assert "did you mean me5-small-q4?" in str(error)
    assert error.exit_code == 2


def test_every_package_of_the_tree_is_distributed():
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "lapca_bench").rglob("__init__.py")}
    assert found | {"lapca_baselines", "lapca_leaderboards"} == set(SETUPTOOLS["packages"])


def test_every_data_file_of_the_packages_is_distributed():
    folders = {"lapca_bench": ROOT / "lapca_bench", **{n: ROOT / f for n, f in SETUPTOOLS["package-dir"].items()}}
    for package, folder in folders.items():
        files = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
        declared = {path for pattern in SETUPTOOLS["package-data"][package] for path in folder.glob(pattern)}
        left_out = {path.relative_to(ROOT) for path in files - declared}
        assert left_out <= {Path("leaderboards/README.md")}


def test_the_tree_is_light_to_clone():
    if not (ROOT / ".git").exists() or not (git := shutil.which("git")):
        pytest.skip("not a checkout of the repository")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    # Two trained models are part of it: 21 MB in float16, and the fine-tuned one, 11 MB in 4 bits.
    assert sum(path.lstat().st_size for path in files if path.exists()) < 56_000_000


def test_the_list_of_extras_is_that_of_the_distribution():
    own_work = {"all", "bench", "test", "lint", "dev"}  # for who works on lapca-bench, or made of the others
    declared = PYPROJECT["project"]["optional-dependencies"]
    packages = {
        extra: {re.match(r"[\w-]+", requirement)[0] for requirement in declared[extra]}
        for extra in declared.keys() - own_work
    }
    assert {name: set(extra.modules) for name, extra in EXTRAS.items()} == packages
