"""Write a lock file from a pip report: every package with its exact version and the SHA-256 of the chosen file.

    pip install --dry-run --ignore-installed --report report.json -c constraints.txt '.[dev]'
    python tools/lock.py report.json requirements.lock
    pip install --require-hashes -r requirements.lock

A lock is of one platform and Python, named in its first line: other platforms get other wheels, with other hashes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def locked(report: dict[str, Any]) -> str:
    """The lock file's text; raises `ValueError` for a package whose file has no SHA-256."""
    about = report["environment"]
    lines = [f"# {about['platform_system']} {about['platform_machine']}, Python {about['python_version']}"]
    for item in sorted(report["install"], key=lambda item: item["metadata"]["name"].lower()):
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        download = item["download_info"]
        if "dir_info" in download:
            continue  # this project itself
        digest = download.get("archive_info", {}).get("hashes", {}).get("sha256")
        if digest is None:
            raise ValueError(f"{name} {version} has no SHA-256 in the report")
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    report_file, lock_file = map(Path, sys.argv[1:])
    lock_file.write_text(locked(json.loads(report_file.read_text(encoding="utf-8"))), encoding="utf-8")
