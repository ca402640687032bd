"""A model hub on 127.0.0.1: the part of the hub's protocol that huggingface_hub asks for, with faults on request.

Files of each commit with ETag, X-Repo-Commit and ranges; large ones (`.safetensors`, `.bin`) as the hub gives those of
LFS, by a redirect to another server. `faults` are taken one by one, each by the next request whose path holds its text:
a status, "cut" (half the bytes, then the connection ends), "stall" (half the bytes, then nothing for a minute), or
"other" (other bytes of the same length).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LFS = (".safetensors", ".bin", ".pt")


@dataclass
class Hub:
    """`repositories` by name: commits by branch, and files by commit. `asked` are the paths of all requests."""

    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: list[tuple[str, int | str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    gated: set[str] = field(default_factory=set)
    address: str = ""
    store: str = ""  # where large files are redirected to
    stalled: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, folder: Path, branch: str = "main") -> str:
        """Commit what lies in a folder to a branch; returns the commit."""
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        commit = hashlib.sha1(repr(sorted(found.items())).encode(), usedforsecurity=False).hexdigest()
        self.files[name, commit] = found
        self.branches[name, branch] = commit
        return commit

    def fault(self, path: str) -> int | str | None:
        """The next fault that is meant for a request of this path."""
        with self.lock:
            for number, (text, what) in enumerate(self.faults):
                if text in path:
                    del self.faults[number]
                    return what
        return None


def git_digest(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.asked.append(f"{self.command} {path}")
        hub.tokens.append(self.headers.get("Authorization", ""))
        fault = hub.fault(f"{self.command} {path}")
        if isinstance(fault, int):
            self._send(fault, b"{}", {"Retry-After": "0"}, body=body)
        elif (
            not path.startswith("/lfs/")
            and any(f"/{name}/" in f"{path}/" for name in hub.gated)
            and "Bearer" not in self.headers.get("Authorization", "")
        ):
            self._send(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, body=body)
        elif path.startswith("/api/models/"):
            self._about(path.removeprefix("/api/models/"), body=body)
        elif path.startswith("/lfs/"):
            self._file(*path.removeprefix("/lfs/").split("/", 3), body=body, fault=fault)
        elif "/resolve/" in path:
            self._resolve(path, body=body, fault=fault)
        else:
            self._send(404, b"", {}, body=body)

    def _commit(self, name: str, revision: str) -> str | None:
        revision = revision.replace("%2F", "/")
        found = self.hub.branches.get((name, revision), revision)
        return found if (name, found) in self.hub.files else None

    def _about(self, path: str, *, body: bool) -> None:
        name, _, revision = path.partition("/revision/")
        commit = self._commit(name, revision.partition("/")[0] or "main")
        if commit is None:
            missing = "RevisionNotFound" if any(known == name for known, _ in self.hub.files) else "RepoNotFound"
            self._send(404, b"{}", {"X-Error-Code": missing}, body=body)
            return
        siblings = []
        for file, content in self.hub.files[name, commit].items():
            one = {"rfilename": file, "size": len(content), "blobId": git_digest(content)}
            if file.endswith(LFS):
                digest = hashlib.sha256(content).hexdigest()
                one["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(one)
        told = {"id": name, "modelId": name, "sha": commit, "siblings": siblings, "tags": [], "private": False}
        self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"}, body=body)

    def _resolve(self, path: str, *, body: bool, fault: str | None) -> None:
        owner, repository, _, revision, file = path.lstrip("/").split("/", 4)
        name = f"{owner}/{repository}"
        commit = self._commit(name, revision)
        content = None if commit is None else self.hub.files[name, commit].get(file)
        if commit is None or content is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body=body)
            return
        if file.endswith(LFS):
            digest = hashlib.sha256(content).hexdigest()
            place = f"{self.hub.store}/lfs/{name}/{commit}/{file}"
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content)), "Location": place}
            self._send(302, b"", {"X-Repo-Commit": commit, **linked}, body=body)
            return
        self._bytes(content, git_digest(content), {"X-Repo-Commit": commit}, body=body, fault=fault)

    def _file(self, owner: str, repository: str, commit: str, file: str, *, body: bool, fault: str | None) -> None:
        content = self.hub.files[f"{owner}/{repository}", commit][file]
        self._bytes(content, hashlib.sha256(content).hexdigest(), {}, body=body, fault=fault)

    def _bytes(self, content: bytes, etag: str, headers: dict[str, str], *, body: bool, fault: str | None) -> None:
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes", **headers}
        wanted = self.headers.get("Range", "")
        status, sent = 200, content
        if fault == "other":
            sent = bytes(byte ^ 1 for byte in content)
        if wanted:
            self.hub.ranges.append(wanted)
            first = int(wanted.removeprefix("bytes=").partition("-")[0])
            status, sent = 206, sent[first:]
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        if fault in ("cut", "stall") and body:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(sent))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(sent[: len(sent) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.hub.stalled.set()
            if fault == "stall":
                time.sleep(60)
            with suppress(OSError):  # the client may have gone
                self.connection.shutdown(2)
            return
        self._send(status, sent, headers, body=body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that answers until the end of the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    hub.address, hub.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
