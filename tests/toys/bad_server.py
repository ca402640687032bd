"""A server on 127.0.0.1 that gives files as badly as real ones do, by a seed: the same seed fails the same way."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What a request may meet, besides being answered well.
FAULTS = (
    "cut",  # fewer bytes than stated, then the connection closes
    "cut chunked",  # without a length, and no last chunk
    "states more",  # a length that is too large
    "states less",  # a length that is too small
    "busy",  # 503
    "slow down",  # 429 with Retry-After
    "gone once",  # the connection closes without an answer
    "redirect",
    "no ranges",  # the whole file where its rest was asked for
    "wrong rest",  # the rest from another place than asked for
    "changed",  # the file is another from now on
    "ignores If-Range",  # and gives the rest of the changed file
    "no validator",
    "weak validator",
)


@dataclass
class BadServer:
    """`files` by path, each with its versions so far (the last is given now); `faults` that may happen."""

    files: dict[str, list[bytes]]
    seed: int
    faults: tuple[str, ...] = FAULTS
    share: float = 0.6  # of requests that meet a fault
    asked: Counter[str] = field(default_factory=Counter)
    address: str = ""
    retry_after: str = "0"

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.lock = threading.Lock()

    def fault(self) -> str:
        """What the next request meets."""
        with self.lock:
            met = self.random.choice(self.faults) if self.faults and self.random.random() < self.share else ""
            self.asked[met] += 1
            return met

    @contextmanager
    def running(self) -> Iterator[BadServer]:
        """Serve until left."""
        outer = self

        class Handler(_Handler):
            served = outer

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: BadServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.close_connection = True
        versions = self.served.files.get(self.path.removeprefix("/again"))
        if versions is None:
            self.send_error(404)
            return
        fault = self.served.fault()
        if fault == "gone once":
            return
        if fault == "redirect" and not self.path.startswith("/again"):
            self._head(302, {"Location": f"/again{self.path}", "Content-Length": "0"})
            return
        if fault in {"busy", "slow down"}:
            retry = {"Retry-After": self.served.retry_after} if fault == "slow down" else {}
            self._head(503 if fault == "busy" else 429, {**retry, "Content-Length": "0"})
            return
        if fault in {"changed", "ignores If-Range"} and len(versions) < 3:
            versions.append(bytes(reversed(versions[-1])) + b"+")
        self._give(versions, fault)

    def _give(self, versions: list[bytes], fault: str) -> None:
        content, number = versions[-1], len(versions)
        tag = {"no validator": "", "weak validator": f'W/"{number}"'}.get(fault, f'"{number}"')
        headers = {"ETag": tag} if tag else {}
        start = self._start(f'"{number}"', fault)
        if start is not None and start >= len(content):
            self._head(416, {**headers, "Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
            return
        if start is None:
            status, body = 200, content
        else:
            if fault == "wrong rest":
                start = max(0, start - 3)
            status, body = 206, content[start:]
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault == "cut chunked":
            self._head(status, {**headers, "Transfer-Encoding": "chunked"})
            half = body[: len(body) // 2]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(half), half) if half else b"")
            return
        stated = len(body) + {"states more": 5, "states less": -min(5, len(body))}.get(fault, 0)
        self._head(status, {**headers, "Content-Length": str(stated)})
        end = self.served.random.randrange(len(body) + 1) if fault == "cut" else len(body)
        self.wfile.write(body[: min(end, stated)])

    def _start(self, current: str, fault: str) -> int | None:
        """The first byte asked for; None where the whole file is to be given."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or fault == "no ranges":
            return None
        condition = self.headers.get("If-Range")
        if condition is not None and condition != current and fault != "ignores If-Range":
            return None
        return int(asked[1])

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
