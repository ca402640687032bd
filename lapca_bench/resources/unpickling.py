"""Pickled weights made into safetensors, by a process of its own that reads tensors alone and reaches no network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from lapca_bench.atomic import atomic_path
from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError
from lapca_bench.extras import need
from lapca_bench.redaction import redacted
from lapca_bench.resources.hub_files import is_pickle

WORKER = Path(__file__).with_name("unpickle_worker.py")
_WHOLE = "pytorch_model"


def convert(folder: Path, names: Iterable[str]) -> dict[str, dict[str, object]]:
    """Write a safetensors file beside the pickles among `names`; shards of one model become one file.

    Returns, by the file written, its digest and those of the pickles. Raises `InputError` where a pickle holds anything
    but tensors.
    """
    groups: dict[Path, list[Path]] = {}
    for name in sorted(names):
        if is_pickle(name):
            path = folder / name
            stem = "model" if path.name.startswith(_WHOLE) else path.stem
            groups.setdefault(path.with_name(f"{stem}.safetensors"), []).append(path)
    found: dict[str, dict[str, object]] = {}
    for target, sources in groups.items():
        if not target.exists():
            _unpickle(sources, target)
        found[target.relative_to(folder).as_posix()] = {
            "sha256": digest_file(target),
            "from": {source.relative_to(folder).as_posix(): digest_file(source) for source in sources},
        }
    return found


def _unpickle(sources: list[Path], target: Path) -> None:
    need("torch", "dense")
    with atomic_path(target) as scratch:
        command = [sys.executable, "-I", str(WORKER), str(scratch), *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, own script
        if done.returncode:
            said = redacted(done.stderr.strip().rpartition("\n")[2] or f"exit {done.returncode}")
            raise InputError(
                f"pickled weights that hold more than tensors are not read: {said}",
                path=sources[0],
                remedy="name a revision of the repository that has safetensors",
            )
