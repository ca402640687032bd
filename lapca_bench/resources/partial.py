"""A file on its way here: the bytes that arrived, and what must not change while the rest is fetched.

Beside the bytes lies a small record: the address, the validator its server gave (a strong ETag, else a date) and the
length it stated. A later process goes on from there, and asks for the rest only of the very file it has the head of.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lapca_bench.atomic import write_json


@dataclass(frozen=True)
class Told:
    """What a server told about the file: `url` asked, `validator` for If-Range ("" for none), `total` bytes."""

    url: str
    validator: str = ""
    total: int | None = None


class Partial:
    """The bytes of a download that is not over, kept at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._record = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def told(self) -> Told | None:
        """What was recorded with the bytes; None where nothing readable was."""
        try:
            return Told(**json.loads(self._record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, told: Told) -> None:
        """Start from nothing with a file of which `told` is known."""
        self.clear()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        write_json(self._record, asdict(told))

    def clear(self) -> None:
        """Forget what arrived: the bytes first, so that no record ever stands for bytes of another file."""
        self.path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """The bytes are whole: they become `target`."""
        self.path.replace(target)
        self._record.unlink(missing_ok=True)
