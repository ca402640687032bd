"""The lock file names versions and hashes, and nothing of where files came from."""

import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "lock.py"
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
