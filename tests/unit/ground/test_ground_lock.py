"""The lock file names versions and hashes, and nothing of where files came from."""

import re
import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "lock.py"
ENVIRONMENT = {"platform_system": "Linux", "platform_machine": "x86_64", "python_version": "3.11"}


def report(**download):
    item = {
        "metadata": {"name": "Pack", "version": "1.0"},
        "download_info": {"url": "https://host.example/f", **download},
    }
    here = {"metadata": {"name": "lapca-bench", "version": "0"}, "download_info": {"dir_info": {}, "url": "file:///x"}}
    return {"environment": ENVIRONMENT, "install": [item, here]}


def test_a_report_becomes_a_lock():
    locked = runpy.run_path(str(TOOL))["locked"]
    text = locked(report(archive_info={"hashes": {"sha256": "ab12"}}))
    assert text == "# Linux x86_64, Python 3.11\nPack==1.0 --hash=sha256:ab12\n"
    with pytest.raises(ValueError, match="no SHA-256"):
        locked(report(archive_info={}))


def versions(name):
    """Package and version of the lines of a file of requirements."""
    lines = (Path(__file__).parents[3] / name).read_text().splitlines()
    pairs = (line.split()[0].split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", package.lower()): version for package, version in pairs}


def test_the_lock_holds_the_versions_that_are_tested():
    exact, locked = versions("constraints.txt"), versions("requirements.lock")
    assert len(locked) > 150
    assert set(locked) - set(exact) <= {"setuptools"}
    odd = {name: version for name, version in locked.items() if exact.get(name, version) != version.partition("+")[0]}
    assert not odd, "run `make lock`"
    text = (Path(__file__).parents[3] / "requirements.lock").read_text()
    assert text.count("--hash=sha256:") == len(locked)
