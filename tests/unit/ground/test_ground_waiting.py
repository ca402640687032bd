"""Whoever waits for a lock says for whom, and takes it when it is free."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lapca_bench import lock

HOLD = "import sys, time; from pathlib import Path; from lapca_bench.lock import exclusive\n"
HOLD += "with exclusive(Path(sys.argv[1]), 'ab'): print('held', flush=True); time.sleep(60)"


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "at work"])
def test_a_lock_that_another_process_holds_is_waited_for_with_a_word(tmp_path, monkeypatch, caplog, stop):
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    logger = logging.getLogger("lapca_bench")
    monkeypatch.setattr(logger, "propagate", True)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        if stop:
            os.kill(holder.pid, signal.SIGSTOP)
        taken = threading.Event()

        def take():
            with lock.exclusive(tmp_path, "ab"):
                taken.set()

        waiter = threading.Thread(target=take)
        waiter.start()
        for _ in range(100):
            if caplog.messages:
                break
            time.sleep(0.05)
        assert not taken.is_set()
        holder.kill()
    waiter.join(10)
    assert taken.is_set()
    assert f"process {holder.pid} on this machine holds it" in caplog.messages[0]
    assert (f"kill -CONT {holder.pid}" in caplog.messages[0]) == stop


def test_an_old_lock_file_and_one_of_another_machine_are_told_as_far_as_they_say(tmp_path):
    path = tmp_path / "ab.lock"
    for content, told in (("", "another process holds it"), ("7 elsewhere", "process 7 on another machine holds it")):
        path.write_text(content)
        assert lock._holder(path) == told
