"""An installation without extras, imitated: their modules cannot be imported. `harness.py` tries real ones."""

import os
import subprocess
import sys
from pathlib import Path


def test_every_verb_answers_or_names_the_extra_that_it_needs(tmp_path):
    command = [sys.executable, str(Path(__file__).parent / "verbs.py"), "--without-extras"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
