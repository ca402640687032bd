"""What verbs print: plain columns for people, JSON for programs, log lines on standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lapca_bench.redaction import redacted
from lapca_bench.visible import visible, visible_json, visible_lines

LOG_FILE = "lapca-bench.log"

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no log, only results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every step, and the traceback of a failed cell.")]


def say(text: str = "") -> None:
    """One line (or more) on standard output; what a terminal would obey in it is shown instead."""
    typer.echo(visible_lines(text))


def tell(text: str) -> None:
    """One line on standard error, beside the results; as `say`."""
    typer.echo(visible_lines(text), err=True)


def say_written(text: str) -> None:
    """A table as `report.writers` writes it, its bold and underlined cells included: they made its texts visible."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    typer.echo(visible_json(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)))


def say_columns(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Left-aligned columns under their heads, each row on one line; the last column may be of any length."""
    from rich.cells import cell_len

    lines = [tuple(heads), *(tuple("" if value is None else visible(str(value)) for value in row) for row in rows)]
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(heads))]
    for line in lines:
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(line[:-1], widths[:-1], strict=True)]
        say("  ".join([*padded, line[-1]]).rstrip())


class _Redacting(logging.Formatter):
    """A line (and a traceback) without tokens and passwords, and without what a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it may be shown."""
        return visible_lines(redacted(super().format(record)))


class _LogFile(logging.FileHandler):
    """A log that cannot be written any more (a full disk) ends; what the work itself cannot write it says."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's name for it
        """Let go of the file."""
        logging.getLogger("lapca_bench").removeHandler(self)


def set_volume(quiet: bool, verbose: bool) -> None:
    """Log to standard error: warnings only (quiet), one line per stage, or everything (verbose)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(message)s"))
    handler.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    logger = logging.getLogger("lapca_bench")
    for old in logger.handlers:
        old.close()
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    if quiet:
        os.environ["LAPCA_BENCH_QUIET"] = "1"


def log_into(folder: Path) -> None:
    """Log everything, with the time, to `lapca-bench.log` in `folder` too, after what earlier runs logged there.

    A folder that cannot be written gets no log; what is to be written there will say so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / LOG_FILE, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger("lapca_bench").addHandler(handler)


def duration(seconds: float) -> str:
    """In the largest unit that makes sense: "95 s", "2.5 h"."""
    for limit, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * limit:
            return f"{seconds / limit:.1f} {unit}"
    return f"{seconds:.0f} s"


def size(count: float) -> str:
    """Bytes for people: "71.6 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
