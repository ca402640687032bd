"""Timing that survives a busy machine: contestants take turns, and only ratios within a round are believed."""

from __future__ import annotations

import os
import subprocess
import sys
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


def run_process(command: Sequence[str]) -> tuple[float, int, str]:
    """(wall seconds, peak resident bytes, standard output) of a command; raises `CalledProcessError` if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return seconds, usage.ru_maxrss * 1024, output.decode("utf-8")


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)
