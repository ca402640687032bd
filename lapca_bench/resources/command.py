"""Running a fetching program (pip, apt-get) with a progress bar of the bytes that arrive in a folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lapca_bench.errors import MissingResourceError
from lapca_bench.progress import progress
from lapca_bench.redaction import redacted

_POLL_SECONDS = 0.2


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):  # not rglob, which fails when a folder goes while the program runs
        for file in files:
            with contextlib.suppress(OSError):
                total += Path(place, file).stat().st_size
    return total


def run_fetching(
    command: Sequence[str],
    folder: Path,
    *,
    description: str,
    size: int | None,
    environment: Mapping[str, str],
    remedy: str,
) -> str:
    """Run `command` in `folder`, show how it fills, and return its output.

    Raises `MissingResourceError` with the program's last lines and `remedy` when it does not end with 0.
    """
    with tempfile.TemporaryFile() as log, progress(description, size, "B") as bar:
        process = subprocess.Popen(  # noqa: S603 (a fixed list of arguments, no shell)
            command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        shown = 0
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
                arrived = max(_bytes_below(folder), shown)
                bar.advance(arrived - shown)
                shown = arrived
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    if process.returncode != 0:
        said = [line for line in output.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise MissingResourceError(
            redacted(f"{description}: failed: {' | '.join(said[-3:]) or process.returncode}"), remedy=remedy
        )
    return output
