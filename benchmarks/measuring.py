"""Timing that survives a busy machine: contestants take turns, and only ratios within a round are believed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import fsum
from statistics import median
from typing import Any

MIB = 1 << 20


@dataclass
class Turns:
    """Seconds of every contestant in every round, and (for processes) their peak resident bytes."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, list[int]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Median seconds of one contestant."""
        return median(self.seconds[name])

    def ratio(self, peer: str, ours: str = "ours") -> float:
        """How many times faster ours is: the median over rounds of peer's seconds by ours."""
        return median(theirs / mine for theirs, mine in zip(self.seconds[peer], self.seconds[ours], strict=True))

    def rate(self, amounts: Sequence[float], name: str) -> float:
        """Median over rounds of a round's amount of work per second of one contestant."""
        return median(amount / seconds for amount, seconds in zip(amounts, self.seconds[name], strict=True))

    def peak(self, name: str) -> int:
        """Highest peak of resident bytes over the rounds."""
        return max(self.peaks[name])


def take_turns(contestants: Mapping[str, Callable[[int], object]], rounds: int) -> Turns:
    """Call every contestant once per round with the round's number; every second round goes in reverse order."""
    turns = Turns({name: [] for name in contestants})
    for number in range(rounds):
        order = list(contestants) if number % 2 == 0 else list(reversed(contestants))
        for name in order:
            started = time.perf_counter()
            contestants[name](number)
            turns.seconds[name].append(time.perf_counter() - started)
            say(f"round {number + 1} of {rounds}: {name} {turns.seconds[name][-1]:.2f} s")
    return turns


def take_turns_as_processes(commands: Mapping[str, Sequence[str]], rounds: int) -> tuple[Turns, dict[str, str]]:
    """The same for commands, each a process from cold; also what each printed on standard output the last time."""
    turns = Turns({name: [] for name in commands}, {name: [] for name in commands})
    printed: dict[str, str] = {}
    for number in range(rounds):
        order = list(commands) if number % 2 == 0 else list(reversed(commands))
        for name in order:
            seconds, peak, printed[name] = run_process(commands[name])
            turns.seconds[name].append(seconds)
            turns.peaks[name].append(peak)
            say(f"round {number + 1} of {rounds}: {name} {seconds:.2f} s, {peak / MIB:.0f} MiB")
    return turns, printed


# A process starts with the peak of the one that starts it, so a small one stands between.
_STARTER = """
import os, sys, time
report, *command = sys.argv[1:]
started = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - started
with open(report, "w") as file:
    print(seconds, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), file=file)
"""


def run_process(command: Sequence[str]) -> tuple[float, int, str]:
    """(wall seconds, peak resident bytes, standard output) of a command; raises `CalledProcessError` if it fails."""
    with tempfile.NamedTemporaryFile("r") as report:
        starter = [sys.executable, "-S", "-E", "-c", _STARTER, report.name, *command]
        output = subprocess.run(starter, stdout=subprocess.PIPE, check=True).stdout
        seconds, peak, status = report.read().split()
    if int(status):
        raise subprocess.CalledProcessError(int(status), command, output)
    return float(seconds), int(peak), output.decode("utf-8")


def spent_in(names: Sequence[str], work: Callable[[], object]) -> dict[str, float]:
    """Processor seconds within Python functions of these names while `work` runs, over this thread and those it starts.

    A function's seconds hold those of what it calls.
    """
    spent: list[tuple[str, float]] = []  # a list is safe to add to from several threads
    started = threading.local()

    def event(frame: Any, kind: str, _: Any) -> None:
        name = frame.f_code.co_name
        if name not in names:
            return
        if kind == "call":
            started.__dict__.setdefault(name, []).append(time.thread_time())
        elif kind == "return":
            spent.append((name, time.thread_time() - started.__dict__[name].pop()))

    threading.setprofile(event)
    sys.setprofile(event)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return {name: fsum(seconds for one, seconds in spent if one == name) for name in names}


@contextmanager
def single_thread() -> Iterator[None]:
    """Our work and torch's on one thread, the one that torch's profiler sees."""
    import torch

    threads, asked = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if asked is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = asked


def torch_profile(work: Callable[[], object]) -> str:
    """Which of torch's operations `work` spends its time in, on one thread."""
    from torch.profiler import ProfilerActivity, profile

    with single_thread(), profile(activities=[ProfilerActivity.CPU]) as found:
        work()
    events = sorted(found.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    shares = [(event.key, event.self_cpu_time_total / total) for event in events[:7]]
    return "profile of ours on one thread: " + ", ".join(f"{key} {share:.0%}" for key, share in shares)


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)
