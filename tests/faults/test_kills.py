"""Some of the kills of `make faults`: what is killed at any write and run again ends as if nothing had happened."""

import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).with_name("harness.py")


def test_killed_verbs_end_as_undisturbed_ones():
    verbs = [word for name in ("fetch", "encode", "run again with a measure", "mine") for word in ("--only", name)]
    done = subprocess.run([sys.executable, str(HARNESS), "--fast", *verbs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    injected, survived = int(last.split()[0]), int(last.split()[3])
    assert injected == survived >= 16
