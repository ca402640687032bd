"""Where a number came from: the code, the machine and the command, recorded with every result.

No user name, host name or path is recorded: results are published.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lapca_bench.extras import EXTRAS
from lapca_bench.redaction import redacted

# Packages whose release can change a number: those that are always there, what transformers tokenises with, the extras.
PACKAGES = (
    "lapca-bench",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "ranx",
    "tokenizers",
    *(package for extra in EXTRAS.values() for package in extra.modules),
)


@cache
def versions() -> dict[str, str]:
    """Releases of the installed packages among `PACKAGES`."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str | None:
    """The git commit of the checkout this code runs from, "+changes" where tracked files differ; None elsewhere."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return None
    return f"{head}+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else head


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def threads() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command_line(arguments: Sequence[str] | None = None) -> str:
    """The command as it can be typed again; the program's folder and absolute folders of arguments are left out."""
    given = list(sys.argv if arguments is None else arguments)
    if not given:
        return ""
    words = [Path(given[0]).name, *(Path(word).name if Path(word).is_absolute() else word for word in given[1:])]
    return redacted(shlex.join(words))


def record() -> dict[str, object]:
    """Everything about this process that a reader of a result may ask for, as JSON values."""
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "PYTHONHASHSEED")
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(),
        "commit": commit(),
        "versions": versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
        "threads": threads(),
        "environment": {name: os.environ[name] for name in variables if name in os.environ},
    }
