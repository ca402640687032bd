"""Some of the inputs of `make fuzz`: damaged files are read, or refused in one message with file and remedy."""

import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).with_name("harness.py")


def test_damaged_files_give_clear_errors():
    done = subprocess.run(
        [sys.executable, str(HARNESS), "--inputs", "6000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    words = last.split()
    assert int(words[0]) >= 6000
    assert int(words[5]) > 3000, "most damages are noticed"
