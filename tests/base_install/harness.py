"""`pip install .` without extras, in an environment of its own for every Python at hand: do all verbs answer?

    python tests/base_install/harness.py [3.11 3.12 3.13]

Looks for interpreters on the PATH and among pyenv's, installs the package with the versions of constraints.txt, and
runs `verbs.py` there. Interpreters that are not here are named. Exit 1 where a verb neither answers nor names an extra.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")


def interpreters(version: str) -> Iterator[Path]:
    """Where a Python of this version may be: on the PATH, else pyenv's, the newest first."""
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    own = [path for path in pyenv.glob(f"{version}.*/bin/python") if re.search(r"\.\d+$", path.parts[-3])]
    yield from sorted(own, key=lambda path: int(path.parts[-3].rpartition(".")[2]), reverse=True)


def find(version: str) -> Path | None:
    """An interpreter of this version that runs (a shim of pyenv may not); None where there is none."""
    for path in interpreters(version):
        asked = [str(path), "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


def check(version: str, python: Path, folder: Path) -> bool:
    """Make the environment, install, run all verbs; says how long it took."""
    started = time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    own = folder / "bin" / "python"
    limits = ["--constraint", str(ROOT / "constraints.txt")]
    steps = (
        [str(python), "-m", "venv", str(folder)],
        [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *limits, str(ROOT)],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"Python {version}: {' '.join(step[1:4])} failed\n{done.stdout}{done.stderr}")
            return False
    installed = time.perf_counter()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    verbs = [str(own), str(ROOT / "tests" / "base_install" / "verbs.py")]
    done = subprocess.run(verbs, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    took = f"installed in {installed - started:.0f} s, asked in {time.perf_counter() - installed:.0f} s"
    print(f"Python {version} ({took}): {done.stdout}{done.stderr if done.returncode else ''}".rstrip())
    return done.returncode == 0


def main(versions: tuple[str, ...]) -> int:
    """All versions that are here; 1 where one of them fails."""
    good = True
    for version in versions:
        python = find(version)
        if python is None:
            print(f"Python {version}: not on this machine, not tried")
            continue
        good &= check(version, python, ROOT / "build" / f"base-{version}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or VERSIONS))
