"""Encoders that a server runs, against a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys.cli import in_process, write_collection

from lapca_bench.encoders.kinds.endpoint import EndpointSettings
from lapca_bench.errors import EncoderError, LapcaError, MissingResourceError, UsageError
from lapca_bench.resources import endpoint
from lapca_bench.types import Document


class Server(ThreadingHTTPServer):
    """Counts letters; `script` holds answers that come first: a status, "cut", or a body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/embeddings"
        self.server.asked.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        step = self.server.script.pop(0) if self.server.script else None
        if isinstance(step, int):
            self._answer(step, b'{"error": {"message": "as told"}}', {"Retry-After": "0", "Location": "http://x/"})
            return
        width = body.get("dimensions", 3)
        rows = [
            {"index": place, "embedding": [1.0 + text.count(letter) for letter in "aeiouxyz"[:width]]}
            for place, text in enumerate(body["input"])
        ]
        answer = {"data": rows[::-1], "usage": {"total_tokens": sum(map(len, body["input"]))}}
        content = json.dumps(answer).encode() if not isinstance(step, bytes) else step
        self._answer(200, content, {}, cut=step == "cut")

    def _answer(self, code: int, content: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(endpoint, "_allowed", True)
    monkeypatch.setattr(endpoint, "_LONGEST_WAIT", 0.01)
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def encoder(server: Server, **changes: Any) -> Any:
    values = {"type": "endpoint", "url": server.url, "model": "counts", **changes}
    return EndpointSettings.model_validate(values).encoder("mine")


TEXTS = ["banana", "", "queue", "tea"]


def test_rows_come_in_the_order_of_the_texts_in_requests_of_the_stated_size(server: Server) -> None:
    made = encoder(server, texts_per_request=3, query_prompt="q: ", similarity="dot", normalise=False)
    assert made.encode_queries(TEXTS).tolist() == [[4, 1, 1], [1, 1, 1], [1, 3, 1], [2, 2, 1]]
    assert [len(body["input"]) for body in server.asked] == [3, 1]
    assert server.asked[0]["input"][1] == "q: "
    assert made.usage == {"requests": 2, "tokens": sum(len(f"q: {text}") for text in TEXTS)}
    assert made.dimension == 3


def test_an_empty_text_is_sent_as_a_blank_and_a_long_one_is_cut(server: Server) -> None:
    encoder(server, max_characters=3).encode_documents([Document("1", ""), Document("2", "banana")])
    assert server.asked[0]["input"] == [" ", "ban"]


def test_a_dimension_is_asked_for_and_needs_no_request(server: Server) -> None:
    made = encoder(server, dimension=5)
    assert (made.dimension, server.asked) == (5, [])
    assert made.encode_queries(TEXTS).shape == (4, 5)
    assert server.asked[0]["dimensions"] == 5


@pytest.mark.parametrize("trouble", [[429], [500, 503], ["cut"], [429, "cut", 408]])
def test_a_busy_or_broken_server_is_asked_again(server: Server, trouble: list[Any]) -> None:
    server.script = list(trouble)
    assert encoder(server).encode_queries(TEXTS).shape == (4, 3)
    assert len(server.asked) == len(trouble) + 1


@pytest.mark.parametrize(
    ("script", "raised", "told"),
    [
        ([500] * 3, EncoderError, "did not answer 3 times: answer 500"),
        ([401], MissingResourceError, "refuses the key"),
        ([400], EncoderError, "answers 400: .*as told"),
        ([302], EncoderError, "answers 302: it sends elsewhere"),
        ([b"<html>"], EncoderError, "answers no JSON"),
        ([b"[]"], EncoderError, "answers no JSON object"),
        ([b"{}"], EncoderError, "0 vectors for 4 texts"),
        ([b'{"data": [{"embedding": [1]}]}'], EncoderError, "1 vectors for 4 texts"),
    ],
)
def test_what_helps_nobody_is_told(server: Server, script: list[Any], raised: type[LapcaError], told: str) -> None:
    server.script = script
    with pytest.raises(raised, match=told):
        encoder(server, retries=2).encode_queries(TEXTS)


def test_the_key_comes_from_the_environment_and_is_recorded_nowhere(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret-key")
    made = encoder(server, key_variable="MY_KEY")
    made.encode_queries(["a"])
    assert server.keys == ["Bearer sk-very-secret-key"]
    assert "secret" not in str(made.identity)


def test_a_server_elsewhere_needs_https_and_a_key(monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoint, "_allowed", True)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    values = {"type": "endpoint", "url": "http://example.invalid/v1", "model": "m"}
    with pytest.raises(UsageError, match="is not https"):
        EndpointSettings.model_validate(values).encoder().encode_queries(["a"])
    values["url"] = "https://example.invalid/v1"
    with pytest.raises(MissingResourceError, match="OPENAI_API_KEY is not set"):
        EndpointSettings.model_validate(values).encoder().encode_queries(["a"])


def test_requests_of_a_minute_stand_apart(server: Server, monkeypatch: Any) -> None:
    slept: list[float] = []
    monkeypatch.setattr(endpoint.time, "sleep", slept.append)
    encoder(server, requests_per_minute=60, texts_per_request=1).encode_queries(TEXTS)
    assert len(slept) == 3
    assert max(slept) > 0.5


def test_without_leave_nothing_is_sent(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoint, "_allowed", False)
    with pytest.raises(UsageError, match="--allow-network"):
        encoder(server).encode_queries(["a"])
    assert server.asked == []


def test_a_run_counts_tokens_and_asks_nothing_twice(
    server: Server, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(endpoint, "_allowed", False)
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "card.toml").write_text(
        'name = "served"\ntitle = "t"\nkind = "dense"\nlicence = "l"\ncitation = "c"\nurl = ""\nlanguages = ["*"]\n'
        f'[encoder]\ntype = "endpoint"\nurl = "{server.url}"\nmodel = "counts"\ndimension = 3\n'
    )
    card = write_collection(tmp_path / "data")
    words = ["run", "-s", str(tmp_path / "card.toml"), "-c", str(card), "--out", str(tmp_path / "r")]
    refused = in_process(*words, capture=capsys)
    assert (refused.code, server.asked) == (1, [])
    assert "--allow-network" in refused.out
    done = in_process(*words, "--allow-network", capture=capsys)
    assert done.code == 0, done.err
    assert "tokens" in done.out
    asked = len(server.asked)
    again = in_process(*words, capture=capsys)
    assert (again.code, len(server.asked)) == (0, asked)
    assert np.isclose(sum(len(body["input"]) for body in server.asked), 70)
