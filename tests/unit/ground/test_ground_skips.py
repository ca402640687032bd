"""The list of tests that may be skipped where CI runs, and the plug-in that holds CI to it."""

import subprocess
import sys
from pathlib import Path

import pytest
import skips

TESTS = Path(__file__).parents[2]

FILE = """
import pytest

def test_runs():
    pass

def test_is_skipped():
    pytest.skip({reason!r})

@pytest.mark.xfail(reason="known")
def test_fails_as_it_should():
    assert False
"""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (FILE.format(reason="node is not installed"), 0),
        (FILE.format(reason="nobody fetched it"), 1),
        ('import pytest\npytest.importorskip("no_such_module")\n', 1),
        ("def test_runs():\n    pass\n", 0),
    ],
)
def test_a_skip_that_is_not_on_the_list_fails_the_session(tmp_path, content, code):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "skips", "-p", "no:cacheprovider", "-c", "/dev/null"]
    environment = {"PYTHONPATH": str(TESTS), "PATH": ""}
    command += ["--rootdir", str(tmp_path), "tests"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == bool(code), done.stdout + done.stderr
    assert ("does not allow" in done.stdout) == bool(code)


def test_every_entry_says_why_and_names_tests_that_are_there():
    for one in skips.read_allowed():
        assert one.why
        assert one.reason
        assert (TESTS.parent / one.path).exists(), one.path
