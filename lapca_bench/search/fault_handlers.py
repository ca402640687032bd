"""Handlers of faulting instructions, kept for Java.

The Java machine meets SIGSEGV as a matter of course (a null reference in compiled code) and answers it in a handler of
its own. Other libraries take that handler away without a word: Ray installs its own while it is connected, and leaves
none when it shuts down, after which the next null reference kills the process.
"""

from __future__ import annotations

import ctypes
import signal
import sys

_FAULTS = (signal.SIGSEGV, signal.SIGFPE, signal.SIGILL)
_ROOM = 512  # bytes; `struct sigaction` has 152 in glibc, fewer elsewhere, and is only handed back


class FaultHandlers:
    """The handlers of this process at the time this is made; without effect on Windows, which has no such handlers."""

    def __init__(self) -> None:
        self._kept: dict[signal.Signals, ctypes.Array[ctypes.c_char]] = {}
        if sys.platform != "win32":
            for fault in (*_FAULTS, signal.SIGBUS):
                self._kept[fault] = ctypes.create_string_buffer(_ROOM)
                ctypes.CDLL(None).sigaction(int(fault), None, self._kept[fault])

    def restore(self) -> None:
        """Put them back where something replaced them."""
        for fault, handler in self._kept.items():
            ctypes.CDLL(None).sigaction(int(fault), handler, None)
