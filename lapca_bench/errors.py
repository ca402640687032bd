"""The errors a user may see: one clear message each, with the file, the line and the fix.

Every error that bad input, a missing resource or a full disk can cause is a `LapcaError`. The command line prints it
without a traceback and exits with its `exit_code` (1 = the work failed, 2 = the request was wrong).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from lapca_bench.visible import visible, visible_lines


class LapcaError(Exception):
    """Base of all errors shown to a user.

    `message` says what is wrong, `remedy` what to do about it; `path`, `line` (1-based) and `key` say where.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.message = message
        self.path = None if path is None else Path(path)
        self.line = line
        self.key = key
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        place = ""
        if self.path is not None:
            name = visible(str(self.path))
            place = f"{name}:{self.line}: " if self.line is not None else f"{name}: "
        if self.key is not None:
            place += f"[{visible(self.key)}] "
        text = f"{place}{_continued(self.message)}"
        return f"{text}\n  fix: {_continued(self.remedy)}" if self.remedy else text


def _continued(text: str) -> str:
    """`text` as it may be shown, further lines indented: a name with a line break begins no line of its own."""
    return visible_lines(text).replace("\n", "\n    ")


class UsageError(LapcaError):
    """The request itself is wrong: an unknown name, a flag out of range, an experiment file that does not validate."""

    exit_code = 2


class InputError(LapcaError):
    """A file or stream that was given holds something malformed (duplicate ids, NaN scores, not UTF-8, ...)."""


class MissingResourceError(LapcaError):
    """Something the work needs is not on this machine (weights, a corpus, Java); `remedy` says how to get it."""


class EncoderError(LapcaError):
    """An encoder returned something unusable: wrong shape, wrong type, NaN or infinite values."""


class StoreError(LapcaError):
    """The cache or the results cannot be written or no longer match their digest."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM. Not an `Exception`: nothing on the way up may take it for a failure of the work."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signum)


STOPS = (KeyboardInterrupt, Interrupted)  # what whoever contains a plug-in's errors lets pass


def contained(error: BaseException) -> Exception:
    """`error`, or what stands for it where it would end the process, as a plug-in's `sys.exit()` does."""
    if isinstance(error, Exception):
        return error
    shown = f"{type(error).__name__}({error})" if str(error) else type(error).__name__
    return LapcaError(f"its code raised {shown}, which ends a program", remedy="raise an ordinary exception there")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A `UsageError` for a `name` that is not among `known`, with the nearest names as the remedy."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    remedy = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names[:20]) or 'none'}"
    return UsageError(f"unknown {kind} {name!r}", remedy=remedy)
