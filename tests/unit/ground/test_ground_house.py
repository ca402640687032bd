"""The plan of the house, as docs/architecture.md draws it, held by reading the files: no circle, no crowded folder."""

from __future__ import annotations

import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "lapca_bench"
# A table prints itself: `Table.__str__` asks a writer, and writers read tables.
ALLOWED = ("lapca_bench.report.table", "lapca_bench.report.writers")
CROWDED = 23
# One module per verb of the command line is the plan there.
UNBOUNDED = (PACKAGE / "cli",)


def modules() -> dict[str, Path]:
    """Every file of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The files of the package that a file imports: at its top, inside functions, or for type checking alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & known.keys() or {node.module})
    return found


def test_no_circle_of_files():
    known = modules()
    graph = {name: imported(path, known) - {name} for name, path in known.items()}
    table, writers = ALLOWED
    assert writers in graph[table], "the one allowed circle is gone: take it off the list"
    graph[table].discard(writers)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of files: {' -> '.join(error.args[1])}")


def test_no_crowded_folder():
    folders = {path.parent for path in PACKAGE.rglob("*.py")} - set(UNBOUNDED)
    crowded = {str(one.relative_to(ROOT)): len(list(one.glob("*.py"))) for one in folders}
    assert {name: count for name, count in crowded.items() if count > CROWDED} == {}


def test_every_package_says_what_is_in_it():
    for name, path in modules().items():
        if path.name != "__init__.py":
            continue
        first = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert len(first.split()) >= 4, f"{name}: its first line says what is in it"
        assert "TODO" not in first, name


def test_every_package_is_installed():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    assert packages == {name for name in stated if name.startswith("lapca_bench")}


def test_no_file_of_many_ideas():
    """A file reads in one sitting; the few that are longer are tables of cases, and none grows without a look here."""
    long = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > 350} == {}


def test_a_name_stands_for_one_class():
    homes: dict[str, list[str]] = {}
    for name, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(name)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
