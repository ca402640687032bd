"""A repository to submit from: files that ask for a card and a model, and say how results are made and checked."""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from pathlib import Path

from lapca_bench import atomic
from lapca_bench.errors import UsageError


def write(folder: Path) -> list[Path]:
    """Write the template below `folder`, which is new or empty; returns the files written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("this folder is not empty", path=folder, remedy="name a new one")
    written = []
    with as_file(files(__package__) / "template") as template:
        for path in sorted(template.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                parts = path.relative_to(template).parts
                place = folder.joinpath(*(re.sub("^dot-", ".", part) for part in parts))
                atomic.write_text(place, path.read_text(encoding="utf-8"))
                written.append(place)
    return written
