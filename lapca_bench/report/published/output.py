"""Reproductions in every format, and the measured results that they are made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from lapca_bench import atomic
from lapca_bench.errors import InputError, UsageError
from lapca_bench.paths import DEFAULT_RESULTS
from lapca_bench.report import writers
from lapca_bench.report.escapes import csv_text
from lapca_bench.report.published.as_table import records, tables
from lapca_bench.report.published.reproduce import Reproduction
from lapca_bench.store.kept import stored_results
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible_json

SUFFIXES = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html", ".txt": "text"}


def result_folders(folders: Sequence[Path] | None = None) -> list[Path]:
    """The folders of results to read: those given, else `lapca-results` here and the ones that come with the project.

    Raises `InputError` where a folder that was given does not exist.
    """
    if folders:
        for folder in folders:
            if not folder.is_dir():
                raise InputError("no such folder of results", path=folder, remedy="run `lapca-bench run --out` first")
        return list(folders)
    with as_file(files("lapca_leaderboards") / "results") as shipped:
        return [folder for folder in (shipped, DEFAULT_RESULTS) if folder.is_dir()]


def measured(folders: Sequence[Path] | None = None) -> list[StoredResult]:
    """Every measured result in these folders."""
    return [stored for folder in result_folders(folders) for stored in stored_results(folder)]


def text(made: Sequence[Reproduction], form: str) -> str:
    """All tables of all reproductions in one format; JSON is one list of cells, "text" a terminal without colours."""
    if form == "json":
        cells = [record for reproduction in made for record in records(reproduction)]
        return visible_json(json.dumps(cells, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
    every = [table for reproduction in made for table in tables(reproduction)]
    writer = writers.terminal if form == "text" else writers.FORMATS[form]
    if form == "csv" and len(every) > 1:
        return "\n".join(f"{csv_text(table.title)}\n{writer(table)}" for table in every)
    return "\n".join(writer(table) for table in every)


def write(made: Sequence[Reproduction], path: Path) -> None:
    """Write `text` in the format that the suffix names; raises `UsageError` for another suffix."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError("no table format has this suffix", path=path, remedy=f"use one of {', '.join(SUFFIXES)}")
    atomic.write_text(path, text(made, form))
