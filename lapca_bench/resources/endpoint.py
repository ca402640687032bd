"""A server of vectors: texts are posted, vectors come back, in the form that OpenAI's embeddings have.

Nothing is sent before `allow_network` was called: only a command that was given --allow-network calls it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lapca_bench.errors import EncoderError, MissingResourceError, UsageError
from lapca_bench.extras import need
from lapca_bench.parsing import json_value
from lapca_bench.redaction import redacted
from lapca_bench.resources.patience import BUSY, LOOPBACK, retry_after

_BUSY = BUSY | {409}
_TIMEOUTS = (10.0, 120.0)  # seconds to connect, and between two bytes
_LONGEST_WAIT = 60.0  # seconds
_LARGEST = 256_000_000  # bytes of an answer
_SHOWN = 300  # characters of what a server says
_allowed = False


def allow_network() -> None:
    """From here on this process may send texts to the endpoints that cards name."""
    global _allowed  # noqa: PLW0603 - one switch of the process, which a command throws once
    _allowed = True


@dataclass
class EmbeddingEndpoint:
    """Posts texts to `url`/embeddings. The key is the environment's variable `key_variable`, sent to no other host.

    `per_minute` bounds the requests of a minute; a busy server is asked again `retries` times, after the pause that it
    names or twice the last one. `usage` counts requests and tokens as the server states them.
    """

    url: str
    model: str
    key_variable: str
    per_minute: int | None = None
    retries: int = 5
    usage: dict[str, int] = field(default_factory=lambda: {"requests": 0, "tokens": 0})
    _next: float = field(default=0.0, init=False)

    def embed(self, texts: list[str], dimension: int | None) -> list[list[float]]:
        """One row per text. Raises `UsageError` where the network is not allowed, `EncoderError` for a bad answer."""
        body: dict[str, object] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if dimension is not None:
            body["dimensions"] = dimension
        answer = self._posted(body)
        self.usage["requests"] += 1
        stated = answer.get("usage")
        tokens = stated.get("total_tokens", stated.get("prompt_tokens")) if isinstance(stated, dict) else None
        self.usage["tokens"] += tokens if isinstance(tokens, int) and tokens > 0 else 0
        return self._rows(answer, len(texts))

    def _rows(self, answer: dict[str, Any], count: int) -> list[list[float]]:
        data = answer.get("data")
        rows: dict[object, Any] = {}
        for place, one in enumerate(data if isinstance(data, list) else ()):
            if isinstance(one, dict):
                rows[one.get("index", place)] = one.get("embedding")
        if set(rows) != set(range(count)) or not all(isinstance(row, list) for row in rows.values()):
            raise EncoderError(
                f"{self._place} answered {len(rows)} vectors for {count} texts",
                remedy="look at `url` and `model` in the card: they name a server of OpenAI's embeddings",
            )
        return [rows[place] for place in range(count)]

    @property
    def _place(self) -> str:
        return urlsplit(self.url).hostname or self.url

    def _posted(self, body: dict[str, object]) -> dict[str, Any]:
        headers = self._headers()
        pause = 1.0
        for attempt in range(self.retries + 1):
            self._wait_turn()
            code, text, asked = self._once(body, headers)
            if code == 200:
                return self._object(text)
            if code in {401, 403}:
                remedy = f"put a key that the server takes into the environment variable {self.key_variable}"
                raise MissingResourceError(f"{self._place} refuses the key (answer {code})", remedy=remedy)
            if code is not None and code not in _BUSY:
                raise EncoderError(f"{self._place} answers {code}: {redacted(text[:_SHOWN])}", remedy="mend the card")
            if attempt < self.retries:
                time.sleep(min(_LONGEST_WAIT, pause if asked is None else asked))
                pause *= 2
        why = f"answer {code}" if code is not None else redacted(text[:_SHOWN])
        raise EncoderError(
            f"{self._place} did not answer {self.retries + 1} times: {why}",
            remedy="run the same command again: what was encoded is kept; lower requests_per_minute in the card",
        )

    def _headers(self) -> dict[str, str]:
        place = urlsplit(self.url)
        if not _allowed:
            message = f"texts would be sent to {self._place}, and the network was not allowed"
            raise UsageError(message, remedy="add --allow-network (in Python: allow_network=True)")
        if place.scheme != "https" and place.hostname not in LOOPBACK:
            raise UsageError(f"{redacted(self.url)} is not https", key="encoder.url", remedy="name an https address")
        key = os.environ.get(self.key_variable, "")
        if not key and place.hostname not in LOOPBACK:
            message = f"{self._place} wants a key, and {self.key_variable} is not set"
            raise MissingResourceError(message, remedy=f"export {self.key_variable}=...")
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _once(self, body: dict[str, object], headers: dict[str, str]) -> tuple[int | None, str, float | None]:
        """Status, text and the pause that is asked for; no status where no whole answer came."""
        requests = need("requests", "dense")
        try:
            with requests.post(
                f"{self.url.rstrip('/')}/embeddings",
                json=body,
                headers=headers,
                timeout=_TIMEOUTS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.is_redirect:  # a key is sent to no other place
                    return answer.status_code, "it sends elsewhere", None
                content = answer.raw.read(_LARGEST + 1, decode_content=True)
                if len(content) > _LARGEST:
                    return None, f"an answer of more than {_LARGEST} bytes", None
                stated = answer.headers.get("Content-Length", "")
                if stated.isdigit() and not answer.headers.get("Content-Encoding") and len(content) < int(stated):
                    return None, f"cut at {len(content)} of {stated} bytes", None
                pause = retry_after(answer.headers.get("Retry-After", ""))
                return answer.status_code, content.decode("utf-8", "replace"), pause
        except (requests.exceptions.RequestException, OSError) as error:
            return None, f"{type(error).__name__}: {error}", None
        except Exception as error:
            if type(error).__module__.startswith("urllib3"):  # its errors while an answer is read are not wrapped
                return None, f"{type(error).__name__}: {error}", None
            raise

    def _object(self, text: str) -> dict[str, Any]:
        try:
            content = json_value(text)
        except ValueError as error:
            raise EncoderError(f"{self._place} answers no JSON: {error}", remedy="look at `url` in the card") from error
        if not isinstance(content, dict):
            raise EncoderError(f"{self._place} answers no JSON object", remedy="look at `url` in the card")
        return content

    def _wait_turn(self) -> None:
        """Hold the rate: requests of a minute stand evenly apart."""
        if self.per_minute is None:
            return
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 60.0 / self.per_minute
