"""Some of the forged submissions of `make fuzz`: refused, or merged with every number right."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("submissions.py")


def test_forged_submissions_are_refused_or_right():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--inputs", "150"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {what: int(count) for count, what in (line.strip().split(" ", 1) for line in done.stdout.splitlines())}
    assert sum(counts.values()) == 150
    assert counts["refused"] > 40
    assert counts["a check failed"] > 10
    assert counts["merged, every number right"] > 5
