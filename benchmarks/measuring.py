"""Timing that survives a busy machine: contestants take turns, and only ratios within a round are believed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

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


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)
