"""Downloading a file so that it survives a night: resumed, tried again, checked; in the end it is whole or refused.

A download that was cut goes on where it stopped, in this process or a later one, by a range request that carries the
validator of the first answer (RFC 9110, sections 13.1.5 and 14): a file that changed in between is begun anew and never
glued. Servers that are busy (429, 5xx) are asked again after the time they name, else after pauses that double.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from lapca_bench.errors import InputError, MissingResourceError, StoreError
from lapca_bench.progress import Progress
from lapca_bench.redaction import redacted
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.partial import Partial, Told
from lapca_bench.resources.patience import BUSY, LONGEST_PAUSE, LOOPBACK, Patience, retry_after

if TYPE_CHECKING:
    import requests

_BLOCK = 1024 * 1024
_TIMEOUTS = (20, 60)  # seconds to connect, and between two blocks
_REDIRECTS = 10
_SPARE = 64 * 1024 * 1024  # bytes that stay free on the disk


class _Again(Exception):  # noqa: N818 (not an error yet)
    """This attempt failed and another may succeed, after `pause` seconds where the server named them."""

    def __init__(self, reason: str, pause: float | None = None, *, answered: bool = True) -> None:
        self.pause = pause
        self.answered = answered
        super().__init__(reason)


class _GiveUp(Exception):  # noqa: N818 (a mirror may have it)
    """This address will not give the file."""


def download(
    urls: tuple[str, ...],
    target: Path,
    expected: Expected,
    bar: Progress,
    *,
    remedy: str,
    patience: Patience | None = None,
) -> str:
    """Bring the file at the first of `urls` that gives it to `target`; returns that address.

    What arrived of an earlier attempt lies at `target`.part and is gone on with. Raises `MissingResourceError` where
    no address gave it, with what each said, `InputError` where the last that did gave another file than `expected`, and
    `StoreError` where the disk lacks room. What arrived is kept for the next attempt.
    """
    import requests

    part = Partial(target.with_name(f"{target.name}.part"))
    said: list[str] = []
    wrong: InputError | None = None
    with requests.Session() as session:
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "lapca-bench"})
        for url in urls:
            address = _Address(url, expected, session, patience or Patience())
            try:
                address.bring(part, bar)
            except _GiveUp as error:
                said.append(f"{redacted(url)}: {error}")
            except InputError as error:
                wrong = error
                said.append(f"{redacted(url)}: {error.message}")
            else:
                part.finish(target)
                return url
    if wrong is not None:
        raise InputError("; ".join(said), path=target, remedy=remedy)
    raise MissingResourceError(f"cannot fetch {'; '.join(said)}", remedy=remedy)


@dataclass(frozen=True)
class _Address:
    """One address of a file."""

    url: str
    expected: Expected
    session: requests.Session
    patience: Patience

    def bring(self, part: Partial, bar: Progress) -> None:
        """Fill `part` until it is whole and as expected."""
        best, attempt, damaged, answered = part.size, 0, False, False
        bar.advance(best)
        while True:
            try:
                self._attempt(part, bar)
            except _Again as reason:
                attempt = 1 if part.size > best else attempt + 1
                best = max(best, part.size)
                answered = answered or reason.answered
                if attempt > (self.patience.tries if answered else self.patience.unanswered):
                    raise _GiveUp(f"{reason}, {attempt} times") from reason
                pause = reason.pause if reason.pause is not None else self.patience.before(attempt)
                if pause > LONGEST_PAUSE:
                    raise _GiveUp(f"{reason}; it asks to wait {pause:.0f} s") from reason
                self.patience.wait(pause)
                continue
            wrong = self.expected.difference(part.path)
            if wrong is None:
                return
            bar.advance(-part.size)
            part.clear()
            if damaged:
                raise InputError(wrong)
            damaged, best, attempt = True, 0, 0  # once more from the beginning: it may have been glued or damaged

    def _attempt(self, part: Partial, bar: Progress) -> None:
        """One request; returns when all bytes are there."""
        have, told = part.size, part.told
        headers = {}
        if have and self._may_resume(told):
            headers["Range"] = f"bytes={have}-"
            if told is not None and told.validator and told.url == self.url:
                headers["If-Range"] = told.validator
        with self._answer(headers) as answer:
            total = self._check_status(answer, part, ranged="Range" in headers)
            if answer.status_code == 200:
                bar.advance(-part.size)
                part.begin(Told(self.url, _validator(answer), total))
            if answer.status_code != 416:
                self._write(answer, part, total, bar)

    def _may_resume(self, told: Told | None) -> bool:
        """Whether the rest may follow what is there: of the same file by its validator, or else by its digest."""
        same = told is not None and told.url == self.url and bool(told.validator)
        return same or self.expected.pinned

    @contextmanager
    def _answer(self, headers: dict[str, str]) -> Iterator[requests.Response]:
        """The answer behind all redirects, none of which may leave https."""
        import requests

        url = self.url
        try:
            for _ in range(_REDIRECTS):
                self._require_safe(url)
                answer = self.session.get(url, headers=headers, stream=True, timeout=_TIMEOUTS, allow_redirects=False)
                with answer:
                    onward = self.session.get_redirect_target(answer)
                    if onward is None:
                        yield answer
                        return
                    url = urljoin(url, onward)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise _GiveUp(redacted(str(error))) from error
        except requests.exceptions.RequestException as error:
            raise _Again(_plainly(error), answered=False) from error
        raise _GiveUp(f"more than {_REDIRECTS} redirects")

    def _require_safe(self, url: str) -> None:
        """Only https, unless a SHA-256 says what must arrive or the server is this machine."""
        place = urlsplit(url)
        if (
            place.scheme != "https"
            and place.hostname not in LOOPBACK
            and not (place.scheme == "http" and self.expected.sha256)
        ):
            raise _GiveUp(f"{redacted(url)} is not https")

    def _check_status(self, answer: requests.Response, part: Partial, *, ranged: bool) -> int | None:
        """The length of the whole file as this answer states it; raises where the answer is of no use."""
        code = answer.status_code
        if code in BUSY:
            raise _Again(f"answer {code} {answer.reason}", retry_after(answer.headers.get("Retry-After", "")))
        if code in {401, 403}:
            raise _GiveUp(f"answer {code}: not open to everybody; ask its publisher for access")
        if code == 200:
            return self._plausible(_number(answer.headers.get("Content-Length")))
        if code in {206, 416} and ranged:
            return self._resumed(answer, part)
        raise _GiveUp(f"answer {code} {answer.reason}")

    def _resumed(self, answer: requests.Response, part: Partial) -> int | None:
        """The total length that an answer to a range request states; what does not fit begins anew."""
        told, have = part.told, part.size
        found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
        total = _number(found[3]) if found else None
        begins = _number(found[1]) if found and found[1] else None
        validator = _validator(answer)
        changed = told is not None and told.url == self.url and validator and told.validator not in {"", validator}
        fits = found is not None and (begins == have if answer.status_code == 206 else total == have)
        if not fits or changed or (told is not None and None not in {told.total, total} and told.total != total):
            part.clear()
            raise _Again("the file changed, or the server cannot go on in the middle", 0.0)
        return self._plausible(total)

    def _plausible(self, total: int | None) -> int | None:
        if total is not None and self.expected.size is not None and total != self.expected.size:
            raise _Again(f"the server states {total} bytes; the file has {self.expected.size}")
        return total

    def _write(self, answer: requests.Response, part: Partial, total: int | None, bar: Progress) -> None:
        import urllib3

        limit = total if total is not None else self.expected.size
        chunked = "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
        if limit is None and not chunked and not self.expected.pinned:
            raise _GiveUp("the server states no length, so that a cut could not be told from the end")
        if limit is not None:
            _require_room(part.path.parent, limit - part.size)
        with part.path.open("ab") as out:
            while True:
                try:
                    block = answer.raw.read(_BLOCK, decode_content=False)
                except (urllib3.exceptions.HTTPError, OSError) as error:
                    raise _Again(f"cut at {out.tell()} bytes: {_plainly(error)}") from error
                if not block:
                    break
                try:
                    out.write(block)
                except OSError as error:
                    raise StoreError(f"cannot write here: {error.strerror}", path=part.path) from error
                bar.advance(len(block))
                if limit is not None and out.tell() > limit:
                    part.clear()
                    raise _Again(f"more than the {limit} bytes that were stated")
        if limit is not None and part.size != limit:
            raise _Again(f"cut at {part.size} of {limit} bytes")


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise StoreError(
            f"{needed / 1e9:.1f} GB are still to come and {free / 1e9:.1f} GB are free",
            path=folder,
            remedy="make room, or name another folder by LAPCA_BENCH_CACHE; what arrived is kept",
        )


def _validator(answer: requests.Response) -> str:
    """What a later range request is made conditional on; weak tags do not promise equal bytes."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _plainly(error: Exception) -> str:
    """The innermost reason of a network error, without addresses of objects."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return redacted(re.sub(r"<[^>]* object at 0x[0-9a-f]+>:? ?", "", str(inner) or type(inner).__name__))
