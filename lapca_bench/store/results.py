"""Results: scores, run and provenance of one cell (system × collection × split), each in a folder of its own.

`<root>/<system>/<family>/<subset>/<split>/<key>/` holds `scores-DIGEST.parquet` (one row per query, language and
measure), `run-DIGEST.parquet`, and, written last, `result.json` with everything else and the digests of the two. A
folder without `result.json` is no result. Files are named by their digests, so that a result that is scored again
replaces the old one in one step, the manifest's: a kill before it leaves the old result whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar

from lapca_bench.atomic import atomic_path, remove, scratch_folder
from lapca_bench.digest import digest_file, digest_texts
from lapca_bench.errors import StoreError
from lapca_bench.lock import exclusive
from lapca_bench.run import Run
from lapca_bench.sealed import read_sealed, write_sealed
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.runs import read_parquet, write_parquet

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
MANIFEST = "result.json"
SCORES = "scores.parquet"
RUN = "run.parquet"
SCORE_COLUMNS = ("query", "language", "measure", "value")

_REMEDY = "delete this folder and run the experiment again"


class StoredMean(TypedDict):
    """One mean: of `measure` over the `queries` judged queries that `language` names, as the scoring room labels them.

    `mean` is None where no query counts.
    """

    measure: str
    language: str
    mean: float | None
    queries: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a result says without its columns: enough for every table.

    `key` is the digest of everything the numbers depend on; `aggregates` the means; `provenance` how it was made.
    """

    key: str
    system: str
    title: str
    kind: str
    system_digest: str
    collection: str  # "family/subset"
    split: str
    languages: Sequence[str]
    aggregates: Sequence[StoredMean]
    provenance: Provenance

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values; `facts_of` reads them."""
        found = {field.name: getattr(self, field.name) for field in fields(Facts)}
        return found | {"provenance": dict(self.provenance)}


AnyFacts = TypeVar("AnyFacts", bound=Facts)


def newest(
    results: Iterable[AnyFacts], by: Sequence[str] = ("system", "collection", "split")
) -> dict[tuple[str, ...], AnyFacts]:
    """The newest result of every value of the fields `by`; of two that ended in one second, the later of `results`.

    Places come in the order in which they are met.
    """
    found: dict[tuple[str, ...], AnyFacts] = {}
    for result in results:
        place = tuple(str(getattr(result, name)) for name in by)
        known = found.get(place)
        if known is None or result.provenance.finished >= known.provenance.finished:
            found[place] = result
    return found


_Types = type | tuple[type, ...]
_TABLES: dict[str, _Types] = {"languages": list, "aggregates": list, "provenance": dict}  # the rest are texts
_KEY = re.compile(r"\w{12,128}", re.ASCII)  # it names a folder
_AGGREGATE: dict[str, _Types] = {"measure": str, "language": str, "mean": (float, int, type(None)), "queries": int}


def facts_of(content: Any) -> dict[str, Any]:
    """`content`, which came from a file, as arguments of `Facts`; else raises `ValueError` or `TypeError`."""
    names = {field.name for field in fields(Facts)}
    if not isinstance(content, dict) or set(content) != names:
        raise ValueError(f"a result has {', '.join(sorted(names))}")
    for name, value in content.items():
        if not isinstance(value, _TABLES.get(name, str)):
            raise TypeError(f"{name} is {type(value).__name__}")
    if not _KEY.fullmatch(content["key"]):
        raise ValueError(f"{content['key'][:40]!r} is no key of a result")
    if not all(isinstance(one, str) for one in content["languages"]):
        raise ValueError("languages are texts")
    for one in content["aggregates"]:
        if not isinstance(one, dict) or any(not isinstance(one.get(n, ...), t) for n, t in _AGGREGATE.items()):
            raise ValueError(f"an aggregate has {', '.join(_AGGREGATE)}")
    return content | {"provenance": Provenance(content["provenance"])}


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Facts):
    """A result in memory: facts, the run, and `scores`, a frame with the columns query, language, measure, value."""

    scores: pd.DataFrame
    run: Run


AnyResult: TypeAlias = "Result | StoredResult"


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredResult(Facts):
    """A result on disk; `scores` and `run` are read, and checked against their digests, on first use."""

    folder: Path
    digests: Mapping[str, str]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores per query; raises `StoreError` where the file is missing or damaged."""
        import pandas as pd

        return pd.read_parquet(self._checked(SCORES))

    @cached_property
    def run(self) -> Run:
        """The run; raises `StoreError` where the file is missing or damaged."""
        return read_parquet(self._checked(RUN))

    def verify(self) -> None:
        """Raise `StoreError` unless both files match their digests."""
        for name in self.digests:
            self._checked(name)

    def path(self, name: str) -> Path:
        """Where the file `SCORES` or `RUN` of this result lies; earlier releases put no digest into its name."""
        named = self.folder / _stored_name(name, self.digests.get(name, ""))
        return named if named.exists() else self.folder / name

    def _checked(self, name: str) -> Path:
        path = self.path(name)
        try:
            found = digest_file(path)
        except FileNotFoundError as error:
            raise StoreError("cannot read: this file of a result is not here", path=path, remedy=_REMEDY) from error
        except OSError as error:
            raise StoreError(f"cannot read: {error.strerror or error}", path=path, remedy=_REMEDY) from error
        if found != self.digests.get(name):
            raise StoreError("this file of a result does not match its digest", path=path, remedy=_REMEDY)
        return path


class ResultStore:
    """The results under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, result: Result) -> Path:
        """Write `result`, manifest last, and return its folder; an older result of the same key is replaced."""
        folder = self.place(result)
        with exclusive(self.root / ".locks", result.key):
            self._write(result, folder)
        return folder

    def _write(self, result: Result, folder: Path) -> None:
        with scratch_folder(folder / "files") as scratch:
            result.scores[list(SCORE_COLUMNS)].to_parquet(scratch / SCORES, index=False, compression="zstd")
            write_parquet(result.run, scratch / RUN)
            digests = {name: digest_file(scratch / name) for name in (SCORES, RUN)}
            for name, digest in digests.items():
                with atomic_path(folder / _stored_name(name, digest)) as temporary:
                    (scratch / name).replace(temporary)
        write_sealed(folder / MANIFEST, {"format": FORMAT, **result.as_json(), "files": digests})
        kept = {MANIFEST, *(_stored_name(name, digest) for name, digest in digests.items())}
        for path in folder.glob("*.parquet"):
            if path.name not in kept:
                remove(path)

    def find(self, key: str, system: str = "") -> StoredResult | None:
        """The result with this key, or None; of one that two names of a system have, that of `system` first."""
        found = [read_result(path.parent) for path in sorted(self.root.glob(f"*/*/*/*/{key[:12]}*/{MANIFEST}"))]
        own = [stored for stored in found if stored.key == key]
        return min(own, key=lambda stored: stored.system != system, default=None)

    def all(self) -> Iterator[StoredResult]:
        """Every result, by system, collection and split; only manifests are read.

        Raises `StoreError` at the first manifest that cannot be read.
        """
        for path in sorted(self.root.glob(f"*/*/*/*/*/{MANIFEST}")):
            yield read_result(path.parent)

    def place(self, result: Facts) -> Path:
        """The folder in which a result lies."""
        family, _, subset = result.collection.partition("/")
        parts = (result.system, family, subset or "all", result.split)
        plain = file_name(result.system) == result.system
        own = "" if plain else f"-{digest_texts([result.system])[:8]}"  # two names of one system may be written alike
        return self.root.joinpath(*(file_name(part) for part in parts), f"{result.key[:12]}{own}")


def _stored_name(name: str, digest: str) -> str:
    stem, _, ending = name.partition(".")
    return f"{stem}-{digest[:12]}.{ending}"


def file_name(name: str) -> str:
    """`name` with what a path cannot hold replaced; two names may become one."""
    safe = re.sub(r"[^\w.+=@-]+", "_", name)[:80].strip(".") or "_"
    return safe if safe.strip("_") else "_"


def read_result(folder: Path) -> StoredResult:
    """The result in `folder`; raises `StoreError` where its manifest cannot be read."""
    path = folder / MANIFEST
    content = read_sealed(path, _REMEDY, "manifest of a result")
    try:
        if content.pop("format") != FORMAT:
            message = "written by another version of lapca-bench"
            raise StoreError(message, path=path, remedy="run the experiment again with this version")
        digests = dict(content.pop("files"))
        return StoredResult(folder=folder, digests=digests, **facts_of(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"this manifest of a result cannot be read: {error}", path=path, remedy=_REMEDY) from error
