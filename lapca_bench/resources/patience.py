"""Asking a server, and asking it again: what answers say that it is busy, how often one asks, how long one waits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE = 300.0  # seconds
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # this machine, where plain http is safe


@dataclass(frozen=True)
class Patience:
    """How often one asks again, the first pause in seconds, and how one waits.

    An address that never answered is given up after `unanswered` tries, where one looks at that: it is likelier that
    there is no network.
    """

    tries: int = 6
    pause: float = 1.0
    wait: Callable[[float], None] = time.sleep
    unanswered: int = 2

    def before(self, attempt: int) -> float:
        """Seconds before attempt `attempt` (from 1): doubling, with up to half of it added at random."""
        return float(self.pause * 2 ** (attempt - 1) * (1 + random.random() / 2))  # noqa: S311 (no secret)


def retry_after(text: str) -> float | None:
    """Seconds that a busy server asks to wait (RFC 9110, section 10.2.3): a number, or a date; None for neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
