"""`Source`: a file that a collection needs, the places where it may lie, and who publishes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench import resources
from lapca_bench.errors import MissingResourceError
from lapca_bench.paths import data_root


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts `docs-10` after `docs-9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


@dataclass(frozen=True)
class Source:
    """A file, or the numbered parts of one.

    `what` names it for the user; `places` are paths under the data folder (`LAPCA_BENCH_DATA`), tried in turn, the
    first being the one that is recommended; the last component may be a pattern (`docs-*.jsonl.gz`). `origin` is where
    its authors publish it; `resource` is its name in the catalogue of `lapca-bench fetch`, if it is there.
    """

    what: str
    places: tuple[str, ...]
    origin: str
    resource: str = ""

    def parts(self) -> tuple[Path, ...]:
        """The file, or its parts in natural order; empty where it is not on this machine."""
        root = data_root()
        for pattern in [] if root is None else [root / place for place in self.places]:
            if found := sorted(pattern.parent.glob(pattern.name), key=_natural):
                return tuple(found)
        fetched = resources.status(self.resource).path if self.can_be_fetched else None
        if fetched is None:
            return ()
        resources.check_once(fetched)
        for place in self.places:
            if found := sorted(fetched.rglob(Path(place).name), key=_natural):
                return tuple(found)
        return ()

    @property
    def can_be_fetched(self) -> bool:
        """Whether `lapca-bench fetch` knows it."""
        return self.resource in resources.catalog()

    def find(self) -> Path | None:
        """The file, or its first part; None where it is not on this machine."""
        return next(iter(self.parts()), None)

    def path(self) -> Path:
        """The file; raises `MissingResourceError` saying what is needed, from where, and where to put it."""
        found = self.find()
        if found is None:
            raise self.missing()
        return found

    def missing(self) -> MissingResourceError:
        """The error for this file's absence."""
        return MissingResourceError(f"{self.what}: not on this machine", remedy=self.remedy())

    def place(self) -> str:
        """Where the file is put by hand."""
        root = data_root()
        folder = str(root) if root is not None else "DATA (a folder of yours that LAPCA_BENCH_DATA names)"
        return f"{folder}/{self.places[0]}"

    def remedy(self) -> str:
        """How to get the file."""
        by_hand = f"get it from {self.origin} and put it at {self.place()}"
        return f"{fetching((self.resource,))}; or {by_hand}" if self.can_be_fetched else by_hand


def fetching(names: Sequence[str]) -> str:
    """The command that fetches resources."""
    return f"lapca-bench fetch {' '.join(names)}"
