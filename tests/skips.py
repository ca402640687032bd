"""A pytest plug-in that fails a session in which a test was skipped that `allowed_skips.toml` does not allow.

`.ci/run` asks for it (`-p skips`); on other machines tests may be skipped for what is lacking there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).with_name("allowed_skips.toml")


@dataclass(frozen=True)
class AllowedSkip:
    """Where a test lies, a part of the reason that it gives, and why it may be skipped."""

    path: str
    reason: str
    why: str


def read_allowed(path: Path = FILE) -> tuple[AllowedSkip, ...]:
    """The entries of the list."""
    return tuple(AllowedSkip(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["skip"])


class SkipCheck:
    """Collects what was skipped."""

    def __init__(self, allowed: tuple[AllowedSkip, ...]) -> None:
        self._allowed = allowed
        self.refused: dict[str, str] = {}

    def see(self, report: Any) -> None:
        """Note a report of a test, or of a file that was skipped as a whole; an expected failure is no skip."""
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(report.nodeid.startswith(one.path) and one.reason in reason for one in self._allowed):
            self.refused[report.nodeid] = reason.removeprefix("Skipped: ")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Of a test."""
        self.see(report)

    def pytest_collectreport(self, report: Any) -> None:
        """Of a file."""
        self.see(report)

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        """A session that went well but for refused skips did not go well."""
        if self.refused and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name them."""
        for line in self.lines():
            terminalreporter.write_line(line, red=True)

    def lines(self) -> Iterator[str]:
        """What is told of refused skips."""
        if self.refused:
            yield f"{len(self.refused)} tests were skipped that tests/allowed_skips.toml does not allow:"
            yield from (f"  {test}: {reason}" for test, reason in self.refused.items())


def pytest_configure(config: Any) -> None:
    """Begin to look."""
    config.pluginmanager.register(SkipCheck(read_allowed()))
