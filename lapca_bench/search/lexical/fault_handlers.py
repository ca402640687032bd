"""Handlers of faulting instructions, kept for Java.

The Java machine meets SIGSEGV as a matter of course (a null reference in compiled code) and answers it in a handler of
its own. Other libraries take that handler away without a word: Ray installs its own while it is connected, and leaves
none when it shuts down, after which the next null reference kills the process.
"""

from __future__ import annotations

import ctypes
import signal

_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_ROOM = 512  # bytes; `struct sigaction` has 152 in glibc, fewer elsewhere, and is only handed back


class FaultHandlers:
    """The handlers that this process has at the time this is made."""

    def __init__(self) -> None:
        self._set = ctypes.CDLL(None).sigaction
        self._kept = {fault: ctypes.create_string_buffer(_ROOM) for fault in _FAULTS}
        for fault, handler in self._kept.items():
            self._set(int(fault), None, handler)

    def restore(self) -> None:
        """Put them back where something replaced them."""
        for fault, handler in self._kept.items():
            self._set(int(fault), handler, None)
